import { TokenBucket } from "./token_bucket.ts";

/** Users that are kept in mind: who comes back after so many others begins anew. */
const MAX_USERS = 10_000;

export interface UserBudgetsOptions {
  /** What each user may take in the long run. */
  perSecond: number;
  /** What each may take at once. */
  burst: number;
}

/** What each user takes of something here: who takes too much waits, and nobody else. */
export class UserBudgets {
  readonly #options: UserBudgetsOptions;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: UserBudgetsOptions) {
    this.#options = options;
  }

  /** How long the user has to wait, in milliseconds; 0: not at all. */
  waitMs(userId: string): number {
    return this.#buckets.get(userId)?.waitMs(performance.now()) ?? 0;
  }

  /** Takes as much as something has cost, also what is not there. */
  spend(userId: string, tokens: number): void {
    const nowMs = performance.now();
    let bucket = this.#buckets.get(userId);
    if (!bucket) {
      const [oldest] = this.#buckets.keys();
      if (this.#buckets.size >= MAX_USERS && oldest !== undefined) this.#buckets.delete(oldest);
      this.#buckets.set(userId, bucket = new TokenBucket({ ...this.#options, nowMs }));
    }
    bucket.spend(tokens, nowMs);
  }
}
