import type { Context } from "hono";
import * as v from "valibot";
import { AppError } from "../common/errors.ts";

/** The largest body of a request, in bytes. A chat with its whole history fits. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * Reads and checks a JSON body. The limit holds while it is read, so that a body of any size costs
 * no more than the limit.
 *
 * Throws `invalid_payload`, naming the field at fault, or `too_large`.
 */
export async function readJson<S extends v.GenericSchema>(
  c: Context,
  schema: S,
  maxBytes = MAX_BODY_BYTES,
): Promise<v.InferOutput<S>> {
  const text = await readText(c.req.raw, maxBytes);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new AppError("invalid_payload", "The body is no JSON.", { cause });
  }
  const result = v.safeParse(schema, body, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new AppError("invalid_payload", path ? `${path}: ${issue.message}` : issue.message);
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("too_large", `The body exceeds ${maxBytes} bytes.`);
}
