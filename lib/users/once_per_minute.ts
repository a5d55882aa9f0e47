import type { Clock } from "../common/clock.ts";

const EVERY_MS = 60_000;
const MAX_REMEMBERED = 100_000;

/** Lets something through once a minute for each user. */
export class OncePerMinute {
  readonly #clock: Clock;
  /** In the order of time, so that what is over stands in front. */
  readonly #lastMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is the user's turn; the next one comes in a minute. */
  take(userId: string): boolean {
    const now = this.#clock.nowMs();
    const last = this.#lastMs.get(userId);
    // A time that lies ahead was noted before the clock was set back.
    if (last !== undefined && Math.abs(now - last) < EVERY_MS) return false;
    this.#lastMs.delete(userId);
    this.#lastMs.set(userId, now);
    this.#forgetOld(now);
    return true;
  }

  #forgetOld(now: number): void {
    for (const [userId, last] of this.#lastMs) {
      if (Math.abs(now - last) < EVERY_MS && this.#lastMs.size <= MAX_REMEMBERED) return;
      this.#lastMs.delete(userId);
    }
  }
}
