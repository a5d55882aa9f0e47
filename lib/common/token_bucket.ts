export interface TokenBucketOptions {
  /** How many tokens come a second. */
  perSecond: number;
  /** How many can be kept, and are there at first. Default: those of one second. */
  burst?: number;
  /** The time now, in milliseconds, of whatever clock. */
  nowMs: number;
}

/**
 * A token bucket: `perSecond` in the long run, `burst` at once. It holds three numbers and no timer, so
 * that 20,000 idle sockets cost nothing; the caller says what time it is.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;

  constructor({ perSecond, burst = perSecond, nowMs }: TokenBucketOptions) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = nowMs;
  }

  /** Takes a token; `false` when there is none. */
  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes as many as the work has cost, also those that are yet to come. */
  spend(tokens: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= tokens;
  }

  /** How long it takes until there is a token, in milliseconds; 0: there is one. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * 1_000 / this.#perSecond);
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedMs * this.#perSecond / 1_000);
  }
}
