import { randomBytes } from "node:crypto";
import { AppError } from "../common/errors.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

const KEY_BYTES = 32;

export interface SecretKey {
  /** Signs the tokens; its UTF-8 bytes are the key, as in Open WebUI. */
  secret: string;
  /** For the start log: `configured`, `made` by this instance just now, or `kept` from an earlier start. */
  source: "configured" | "made" | "kept";
}

/**
 * The key that signs the tokens: what is configured, or else one of 256 bits that is made once and
 * kept in the store. Instances that start together agree on one.
 *
 * @throws {AppError} `unavailable` when the store can't be reached
 */
export async function loadSecretKey(
  configured: string | undefined,
  store: StateStore,
): Promise<SecretKey> {
  if (configured !== undefined && configured !== "") {
    return { secret: configured, source: "configured" };
  }
  const made = randomBytes(KEY_BYTES).toString("base64url");
  if (await store.values.setIfAbsent(keys.secretKey, made)) return { secret: made, source: "made" };
  const secret = await store.values.get(keys.secretKey);
  if (secret === undefined) throw new AppError("unavailable", "The signing key can't be read.");
  return { secret, source: "kept" };
}
