import { encodeInTurns, isSmall } from "../common/encode_in_turns.ts";
import { AppError } from "../common/errors.ts";
import { parseInTurns } from "../common/parse_in_turns.ts";
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

/** In bytes: what is decoded at once. */
const LARGE_BYTES = 256 * 1024;

/** As {@linkcode encodeJson}, but a large value lets others have their turn in between. */
export function encodeLarge(value: unknown): Uint8Array | Promise<Uint8Array> {
  if (isSmall(value)) return encodeJson(value);
  return encodeInTurns(value).then((bytes) => {
    checkSize(bytes);
    return bytes;
  });
}

/** As {@linkcode decodeJson}, but a large value lets others have their turn in between. */
export function decodeLarge<T>(bytes: Uint8Array): T | Promise<T> {
  if (bytes.length <= LARGE_BYTES) return decodeJson<T>(bytes);
  const text = decoder.decode(bytes);
  return parseInTurns(text).then((value) => value as T, () => decodeJson<T>(bytes));
}

/** @throws {AppError} `too_large` over `MAX_VALUE_BYTES`. */
export function checkSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_VALUE_BYTES) {
    throw new AppError("too_large", `A value takes at most ${MAX_VALUE_BYTES} bytes.`);
  }
}
