/** The thread of a {@linkcode Digester}: one piece of work at a time, and what became of it. */
import { parentPort } from "node:worker_threads";
import { toAppError } from "../common/errors.ts";
import type { ErrorCode } from "../protocol/error_codes.ts";
import { pack, type Packed, type Sent, unpack } from "./digest_packing.ts";
import { digests, type Kind } from "./digests.ts";

export interface DigestRequest {
  kind: Kind;
  input: Sent;
}

export type DigestReport =
  | "ready"
  | { at: number }
  | { output: Packed | { whole: unknown } }
  | { error: { code: ErrorCode; message: string } };

const report = (message: DigestReport): void => parentPort?.postMessage(message);

parentPort?.on("message", ({ kind, input }: DigestRequest) => {
  try {
    // The request was typed where it was made.
    const digest = digests[kind] as (input: unknown, tell: (at: number) => void) => unknown;
    report({ output: pack(digest(unpack(input), (at) => report({ at }))) });
  } catch (thrown) {
    const { code, message } = toAppError(thrown);
    report({ error: { code, message } });
  }
});
report("ready");
