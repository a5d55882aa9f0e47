import { AppError } from "../common/errors.ts";
import { backOff, pause } from "../common/pause.ts";

const MAX_TRIES = 64;
const CONTENTION = { firstMs: 1, maxMs: 50 };

/**
 * Calls `attempt` until it gives something.
 *
 * @throws {AppError} `conflict` when every try was lost to another writer.
 */
export async function retryConflicts<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0, waitMs = 0; tries < MAX_TRIES; tries++) {
    const result = await attempt();
    if (result !== undefined) return result;
    waitMs = backOff(waitMs, CONTENTION);
    await pause(waitMs);
  }
  throw new AppError("conflict", "Too many others change this at the same time.");
}
