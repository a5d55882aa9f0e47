import type { Context } from "hono";
import type * as v from "valibot";
import { checked } from "../common/checked.ts";
import { AppError } from "../common/errors.ts";

export interface JsonBodyOptions {
  /** The largest body, in bytes. Default: 16 MiB; a chat with its whole history fits. */
  maxBytes?: number;
  /**
   * How long the whole body may take, in milliseconds, however busily its bytes drip. Default:
   * 30,000; the largest body then needs a line of some 4.5 Mbit/s.
   */
  timeoutMs?: number;
}

/** Below what ends the stack of anything that walks the value, the store's own code included. */
const MAX_DEPTH = 256;

/**
 * Reads and checks a JSON body, whatever its content type. The limits hold while it is read, so
 * that no body costs more than they allow.
 *
 * @throws {AppError} `invalid_payload`, naming the field at fault; `too_large`; `request_timeout`
 */
export async function readJson<S extends v.GenericSchema>(
  c: Context,
  schema: S,
  { maxBytes = 16 * 1024 * 1024, timeoutMs = 30_000 }: JsonBodyOptions = {},
): Promise<v.InferOutput<S>> {
  return checked(schema, parse(await readText(c.req.raw, maxBytes, timeoutMs)));
}

async function readText(request: Request, maxBytes: number, timeoutMs: number): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const reader = request.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  let isLate = false;
  // What is cancelled ends the read that waits; a body that has failed already tells so there.
  const cancel = () => void reader.cancel().catch(() => {});
  const timer = setTimeout(() => {
    isLate = true;
    cancel();
  }, timeoutMs);
  try {
    while (true) {
      const { done, value } = await reader.read().catch((cause) => {
        throw new AppError("invalid_payload", "The body was cut short.", { cause });
      });
      if (isLate) throw new AppError("request_timeout", `The body took over ${timeoutMs} ms.`);
      if (done) return text + decoder.decode();
      size += value.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      text += decoder.decode(value, { stream: true });
    }
  } catch (thrown) {
    cancel();
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

function parse(text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new AppError("invalid_payload", "The body is no JSON.", { cause });
  }
  if (isTooDeep(body)) {
    throw new AppError("invalid_payload", `The body is nested more than ${MAX_DEPTH} levels deep.`);
  }
  return body;
}

/** Level by level: a recursion could be ended by what it looks for. */
function isTooDeep(body: unknown): boolean {
  let level = [body].filter(isObject);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((value) => Object.values(value).filter(isObject));
  }
  return false;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("too_large", `The body exceeds ${maxBytes} bytes.`);
}
