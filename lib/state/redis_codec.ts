import { Buffer } from "node:buffer";
import { AppError } from "../common/errors.ts";
import { MAX_VALUE_BYTES, type StateKey } from "./state_store.ts";

/**
 * What stays behind a value: its text in Redis. A string that is no JSON stands there as it is, as
 * Open WebUI's instances write and read their ids; {@linkcode decodeValue} tells the two apart.
 */
export function encodeValue(value: unknown): string {
  const text = typeof value === "string" && !isJson(value) ? value : JSON.stringify(value);
  if (text === undefined) throw new AppError("invalid_payload", "Not a JSON value.");
  // A character takes at most three bytes, so most values need no counting.
  if (text.length * 3 > MAX_VALUE_BYTES && Buffer.byteLength(text) > MAX_VALUE_BYTES) {
    throw new AppError("too_large", `A value takes at most ${MAX_VALUE_BYTES} bytes.`);
  }
  return text;
}

/** Open WebUI writes plain text in places (`1`, an owner's id): what is no JSON is itself. */
export function decodeValue<T>(text: string | null | undefined): T | undefined {
  if (text === null || text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text as T;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The key as Redis knows it. */
export type KeyName = (key: StateKey) => string;

export function keyNames(prefix: string): KeyName {
  return (key) => [prefix, ...key].join(":");
}
