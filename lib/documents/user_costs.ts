import { AppError } from "../common/errors.ts";
import { TokenBucket } from "../common/token_bucket.ts";

/** Milliseconds of this process' time that one user's documents may take in a second. */
const MS_A_SECOND = 200;
/** What may be taken at once: some large pastes, some large documents opened. */
const BURST_MS = 4_000;
/** Users that are kept in mind. Who comes back after so many others begins anew. */
const MAX_USERS = 10_000;

/** What each user's documents cost here, in time: who takes too much waits, and nobody else. */
export class UserCosts {
  readonly #buckets = new Map<string, TokenBucket>();

  /** @throws {AppError} `rate_limited` for who has taken more than there is */
  check(userId: string): void {
    const waitMs = this.#buckets.get(userId)?.waitMs(performance.now()) ?? 0;
    if (waitMs === 0) return;
    throw new AppError("rate_limited", "Your documents take too much time: slow down.", {
      retryAfterMs: waitMs,
    });
  }

  /** Does the work at the user's cost. */
  charge<T>(userId: string, work: () => T): T {
    const beganMs = performance.now();
    try {
      return work();
    } finally {
      this.spend(userId, performance.now() - beganMs);
    }
  }

  spend(userId: string, costMs: number): void {
    const nowMs = performance.now();
    let bucket = this.#buckets.get(userId);
    if (!bucket) {
      bucket = new TokenBucket({ perSecond: MS_A_SECOND, burst: BURST_MS, nowMs });
      const [oldest] = this.#buckets.keys();
      if (this.#buckets.size >= MAX_USERS && oldest !== undefined) this.#buckets.delete(oldest);
      this.#buckets.set(userId, bucket);
    }
    bucket.spend(costMs, nowMs);
  }
}
