import { AppError } from "../common/errors.ts";

/**
 * The limits of one request, as a signal: it fires with the caller's own, after the total time, and
 * when a step takes longer than it was given.
 */
export class RequestTimeout implements Disposable {
  readonly #controller = new AbortController();
  readonly #callers: AbortSignal;
  readonly #total: ReturnType<typeof setTimeout>;
  #step: ReturnType<typeof setTimeout> | undefined;
  /** When the timer looks; a step may end later than that, by when it looks again. */
  #looksAtMs = Infinity;
  #endsAtMs = Infinity;
  #text = "";

  constructor(callers: AbortSignal, totalMs: number, totalText: string) {
    this.#callers = callers;
    this.#total = setTimeout(() => this.#expire(totalText), totalMs);
    if (callers.aborted) this.#onAbort();
    else callers.addEventListener("abort", this.#onAbort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Starts the time of the next step, and ends that of the one before. Called for every read of a
   * stream, so the timer is not set anew each time: it looks whether the time is over, and waits on.
   */
  allow(timeoutMs: number, text: string): void {
    this.until(performance.now() + timeoutMs, text);
  }

  /** As {@linkcode allow}, with a time of `performance.now()`. */
  until(endsAtMs: number, text: string): void {
    this.#text = text;
    this.#endsAtMs = endsAtMs;
    if (endsAtMs < this.#looksAtMs) this.#lookIn(Math.max(0, endsAtMs - performance.now()));
  }

  /** Ends the time of the step: what follows is somebody else's to take. */
  pause(): void {
    this.#endsAtMs = Infinity;
  }

  #lookIn(waitMs: number): void {
    clearTimeout(this.#step);
    this.#looksAtMs = performance.now() + waitMs;
    this.#step = setTimeout(() => {
      this.#looksAtMs = Infinity;
      const leftMs = this.#endsAtMs - performance.now();
      if (leftMs <= 1) this.#expire(this.#text);
      else if (leftMs < Infinity) this.#lookIn(leftMs);
    }, waitMs);
  }

  /** Whether it was the caller who ended the request. */
  get isCallers(): boolean {
    return this.#callers.aborted;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#total);
    clearTimeout(this.#step);
    this.#callers.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = () => this.#controller.abort(this.#callers.reason);

  #expire(text: string): void {
    this.#controller.abort(new AppError("timeout", text));
  }
}
