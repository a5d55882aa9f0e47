import { type Clock, systemClock } from "./clock.ts";

/** Less is drift, or a busy event loop. */
const JUMP_MS = 5_000;

/**
 * Notices when the wall clock was set, by comparing it with the time that has really passed: what was
 * written by the old time says nothing about its age for a while.
 */
export class SteadyClock {
  readonly #clock: Clock;
  #offsetMs: number;
  #jumpedAtMs = -Infinity;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#offsetMs = this.#offset();
  }

  /** For how long the clock has gone on evenly, in milliseconds; without a jump, `Infinity`. */
  steadyForMs(): number {
    const offsetMs = this.#offset();
    if (Math.abs(offsetMs - this.#offsetMs) > JUMP_MS) this.#jumpedAtMs = performance.now();
    this.#offsetMs = offsetMs;
    return performance.now() - this.#jumpedAtMs;
  }

  #offset(): number {
    return this.#clock.nowMs() - performance.now();
  }
}
