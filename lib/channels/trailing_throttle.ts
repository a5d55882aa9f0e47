import { pause } from "../common/pause.ts";

/**
 * How much rarer the states of a growing text get that are sent whole: each waits at least this part
 * of the time since the first. So a text that grows evenly costs some nine times its size, however
 * long it gets, and what there is when its author pauses is shown all the same.
 */
export const SLOWDOWN = 1 / 8;

export interface TrailingThrottleOptions<T> {
  /** Passes a value on; the next one waits until it is done. Must not reject. */
  send(value: T): void | Promise<void>;
  /** At most one value in so many milliseconds. */
  everyMs: number;
  /** {@linkcode SLOWDOWN}, or another part of the time. Default: 0. */
  slowdown?: number;
}

/**
 * Passes on the latest of many values, at most one in a time, and the last one always: for a text
 * that grows with each word and is sent whole.
 */
export class TrailingThrottle<T> implements Disposable {
  readonly #options: Required<TrailingThrottleOptions<T>>;
  #waiting: { value: T } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #firstAtMs = 0;
  #sentAtMs: number | undefined;

  constructor(options: TrailingThrottleOptions<T>) {
    this.#options = { slowdown: 0, ...options };
  }

  push(value: T): void {
    this.#waiting = { value };
    this.#schedule();
  }

  /** Drops what waits; resolves when what is on its way has arrived. */
  async drop(): Promise<void> {
    this[Symbol.dispose]();
    await this.#running;
  }

  /** As {@linkcode drop}; resolves when something else may be sent in its place. */
  async quiet(): Promise<void> {
    await this.drop();
    const sinceMs = performance.now() - (this.#sentAtMs ?? -Infinity);
    await pause(Math.max(0, this.#options.everyMs - sinceMs));
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#running || !this.#waiting) return;
    this.#timer = setTimeout(() => this.#pass(), this.#restMs());
  }

  #restMs(): number {
    const { everyMs, slowdown } = this.#options;
    if (this.#sentAtMs === undefined) return 0;
    const waitMs = Math.max(everyMs, slowdown * (this.#sentAtMs - this.#firstAtMs));
    return Math.max(0, this.#sentAtMs + waitMs - performance.now());
  }

  #pass(): void {
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (!waiting) return;
    this.#sentAtMs = performance.now();
    this.#firstAtMs ||= this.#sentAtMs;
    const sent = this.#options.send(waiting.value);
    if (!sent) return;
    this.#running = sent.finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = undefined;
  }
}
