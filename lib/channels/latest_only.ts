import { pause } from "../common/pause.ts";

/**
 * Passes on the latest of many values, at most one in `everyMs`, and the last one always: for a text
 * that grows with each word and is sent whole.
 */
export class LatestOnly<T> implements Disposable {
  readonly #send: (value: T) => void;
  readonly #everyMs: number;
  #waiting: { value: T } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sentAtMs = -Infinity;

  constructor(send: (value: T) => void, everyMs: number) {
    this.#send = send;
    this.#everyMs = everyMs;
  }

  push(value: T): void {
    this.#waiting = { value };
    this.#timer ??= setTimeout(() => this.#pass(), this.#restMs());
  }

  /** Drops what waits and resolves when something else may be sent in its place. */
  async quiet(): Promise<void> {
    this[Symbol.dispose]();
    await pause(this.#restMs());
  }

  #restMs(): number {
    return Math.max(0, this.#sentAtMs + this.#everyMs - performance.now());
  }

  #pass(): void {
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (!waiting) return;
    this.#sentAtMs = performance.now();
    this.#send(waiting.value);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = undefined;
  }
}
