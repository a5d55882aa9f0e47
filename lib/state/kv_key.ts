import { AppError } from "../common/errors.ts";
import type { StateKey } from "./state_store.ts";

/** Deno KV takes 2 KiB; what stands beside a name in a key needs some of it. */
const MAX_KEY_BYTES = 1_900;

/** One part for the whole name, so that no name is the beginning of another. */
export const keyName = (key: StateKey): string => JSON.stringify(key);

/** @throws {AppError} `too_large` for a key that Deno KV would refuse. */
export function checkKey(key: Deno.KvKey): Deno.KvKey {
  let bytes = 0;
  for (const part of key) bytes += typeof part === "string" ? utf8Length(part) + 2 : 10;
  if (bytes > MAX_KEY_BYTES) throw new AppError("too_large", "The name of an entry is too long.");
  return key;
}

function utf8Length(text: string): number {
  if (text.length * 3 < MAX_KEY_BYTES && !text.includes("\0")) return text.length * 3;
  // A zero byte is escaped in the key and takes two.
  return new TextEncoder().encode(text).length + (text.split("\0").length - 1);
}
