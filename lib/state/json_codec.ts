import { AppError } from "../common/errors.ts";
import { MAX_VALUE_BYTES } from "./state_store.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A value as the UTF-8 of its JSON; what JSON leaves out (`undefined` fields) is left out.
 *
 * @throws {AppError} `invalid_payload` for what is no JSON, `too_large` over `MAX_VALUE_BYTES`.
 */
export function encodeJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  if (text === undefined) throw new AppError("invalid_payload", "Not a JSON value.");
  const bytes = encoder.encode(text);
  checkSize(bytes);
  return bytes;
}

/** What is no JSON, in a damaged store, is its text: whoever knows the shape will refuse it. */
export function decodeJson<T>(bytes: Uint8Array): T {
  const text = decoder.decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    return text as T;
  }
}

/** @throws {AppError} `too_large` over `MAX_VALUE_BYTES`. */
export function checkSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_VALUE_BYTES) {
    throw new AppError("too_large", `A value takes at most ${MAX_VALUE_BYTES} bytes.`);
  }
}
