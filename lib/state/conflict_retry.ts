import { AppError } from "../common/errors.ts";

const MAX_TRIES = 64;
const MAX_PAUSE_MS = 50;

/** Waits before the next try: a random part of a time that doubles, so that rivals fall apart. */
export function backOff(tries: number, firstMs = 1, maxMs = MAX_PAUSE_MS): Promise<void> {
  const limit = Math.min(maxMs, firstMs * 2 ** Math.min(tries, 20));
  return new Promise((resolve) => setTimeout(resolve, Math.random() * limit));
}

/**
 * Calls `attempt` until it gives something.
 *
 * @throws {AppError} `conflict` when every try was lost to another writer.
 */
export async function retryConflicts<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const result = await attempt();
    if (result !== undefined) return result;
    await backOff(tries);
  }
  throw new AppError("conflict", "Too many others change this at the same time.");
}
