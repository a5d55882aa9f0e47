/**
 * Ends what has a last second, with one timer for all: 20,000 sockets whose tokens end in weeks
 * would otherwise be 20,000 timers, most of them beyond what a timer can count.
 */
export class ExpiryTimer implements Disposable {
  readonly #bySecond = new Map<number, Set<string>>();
  readonly #onEnd: (id: string) => void;
  readonly #nowMs: () => number;
  readonly #timer: ReturnType<typeof setInterval>;
  #next: number;

  /** `onEnd` is called once for each id, within a second of its end. */
  constructor(onEnd: (id: string) => void, nowMs: () => number) {
    this.#onEnd = onEnd;
    this.#nowMs = nowMs;
    this.#next = Math.floor(nowMs() / 1000);
    this.#timer = setInterval(() => this.#tick(), 500);
  }

  /** Ends `id` at `second` (unix seconds). */
  add(id: string, second: number): void {
    const due = Math.max(Math.ceil(second), this.#next);
    const ids = this.#bySecond.get(due);
    if (ids) ids.add(id);
    else this.#bySecond.set(due, new Set([id]));
  }

  delete(id: string, second: number): void {
    const due = Math.ceil(second);
    const ids = this.#bySecond.get(due);
    if (ids?.delete(id) && ids.size === 0) this.#bySecond.delete(due);
  }

  #tick(): void {
    const now = Math.floor(this.#nowMs() / 1000);
    // A machine that slept, or a clock that was set: walk what is there instead of every second.
    const due = now - this.#next > this.#bySecond.size
      ? [...this.#bySecond.keys()].filter((second) => second <= now)
      : Array.from({ length: Math.max(0, now - this.#next + 1) }, (_, i) => this.#next + i);
    this.#next = Math.max(this.#next, now + 1);
    for (const second of due) {
      const ids = this.#bySecond.get(second);
      this.#bySecond.delete(second);
      for (const id of ids ?? []) this.#onEnd(id);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
