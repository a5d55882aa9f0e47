import type { Context } from "hono";
import type * as v from "valibot";
import { checked } from "../common/checked.ts";
import { AppError } from "../common/errors.ts";
import { encodeInTurns } from "../common/encode_in_turns.ts";
import { MAX_JSON_DEPTH } from "../common/json_nesting.ts";
import { NestedTooDeep, parseInTurns } from "../common/parse_in_turns.ts";
import { yieldToEvents } from "../common/pause.ts";

export interface JsonBodyOptions {
  /** The largest body, in bytes. Default: 16 MiB; a chat with its whole history fits. */
  maxBytes?: number;
  /**
   * How long the whole body may take, in milliseconds, however busily its bytes drip. Default:
   * 30,000; the largest body then needs a line of some 4.5 Mbit/s.
   */
  timeoutMs?: number;
}

/** In UTF-16 units. */
const LARGE_LENGTH = 256 * 1024;

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
  const text = await readText(c.req.raw, maxBytes, timeoutMs);
  const payload = await parse(text);
  // Checking a large body takes a turn of its own.
  if (text.length > LARGE_LENGTH) await yieldToEvents();
  return checked(schema, payload);
}

/** Answers with JSON of any size. */
export async function sendJson(c: Context, value: unknown): Promise<Response> {
  return c.body(await encodeInTurns(value), 200, { "content-type": "application/json" });
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

/** What is nested deeper would end the stack of anything that walks it, the store's own code included. */
async function parse(text: string): Promise<unknown> {
  try {
    return await parseInTurns(text);
  } catch (cause) {
    if (cause instanceof NestedTooDeep) {
      const message = `The body is nested more than ${MAX_JSON_DEPTH} levels deep.`;
      throw new AppError("invalid_payload", message);
    }
    throw new AppError("invalid_payload", "The body is no JSON.", { cause });
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("too_large", `The body exceeds ${maxBytes} bytes.`);
}
