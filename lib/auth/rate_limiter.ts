import { createHash } from "node:crypto";
import { AppError } from "../common/errors.ts";
import { keys } from "../state/key_space.ts";
import type { RateWindow, StateStore } from "../state/state_store.ts";

export interface RateLimiterOptions {
  store: StateStore;
  /** What is counted; tells limiters in one store apart. */
  name: string;
  /** Attempts in the window; the next one is refused. */
  limit: number;
  /** Default: three minutes, rolling in steps of ten seconds. */
  window?: RateWindow;
}

const DEFAULT_WINDOW: RateWindow = { windowMs: 180_000, bucketMs: 10_000 };

/** Counts attempts of one subject in a rolling window, for all instances together. */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #window: RateWindow;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    this.#window = options.window ?? DEFAULT_WINDOW;
  }

  /**
   * Counts an attempt; refused ones count, too, so that who keeps trying stays out.
   *
   * @throws {AppError} `rate_limited` over the limit; `unavailable` when the store can't count:
   * without a count nobody gets in
   */
  async hit(subject: string): Promise<void> {
    const { store, name, limit } = this.#options;
    // The subject comes from outside: hashed, it can neither be long nor pose as another key.
    const digest = createHash("sha256").update(subject).digest("base64url");
    const hits = await store.countHit(keys.rateLimit(`${name}:${digest}`), this.#window);
    if (hits <= limit) return;
    throw new AppError("rate_limited", "Too many attempts: wait before you try again.", {
      retryAfterMs: this.#window.windowMs,
    });
  }
}
