import { AppError } from "./errors.ts";

/** What is thrown at the end of the time: the name of what did not answer, or an error of one's own. */
export type Late = string | (() => Error);

/**
 * Settles as `work` does, or rejects once `timeoutMs` have passed. The work itself goes on: who can
 * end it does so when this throws.
 *
 * @throws {AppError} `unavailable`, naming what did not answer, unless `late` makes another error
 */
export function deadline<T>(work: Promise<T>, timeoutMs: number, late: Late): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(lateError(late, timeoutMs)), timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Waits until the work has settled or the time is over; says whether it settled. Never throws. */
export function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const settled = work.then(() => true, () => true);
  return deadline(settled, timeoutMs, "work").catch(() => false);
}

/**
 * A signal that is aborted once `timeoutMs` have passed; disposing of it ends the timer, which
 * `AbortSignal.timeout` would keep until its time.
 */
export function timeoutSignal(
  timeoutMs: number,
  late: Late,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(lateError(late, timeoutMs)), timeoutMs);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

interface Awaited {
  readonly endMs: number;
  reject(error: unknown): void;
}

/** As {@linkcode deadline}, for many promises that have the same time: one timer serves all. */
export class SharedDeadline implements Disposable {
  readonly #timeoutMs: number;
  readonly #what: string;
  /** In the order of their ends. */
  readonly #awaited = new Set<Awaited>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(timeoutMs: number, what: string) {
    this.#timeoutMs = timeoutMs;
    this.#what = what;
  }

  /** Settles as `work` does, or rejects with `unavailable` once the time is over. */
  limit<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const awaited = { endMs: performance.now() + this.#timeoutMs, reject };
      this.#awaited.add(awaited);
      this.#timer ??= setTimeout(() => this.#look(), this.#timeoutMs);
      // Both ways here, as `finally` would be two promises more for each.
      work.then((value) => {
        this.#awaited.delete(awaited);
        resolve(value);
      }, (error) => {
        this.#awaited.delete(awaited);
        reject(error);
      });
    });
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const awaited of this.#awaited) {
      if (awaited.endMs > nowMs) {
        this.#timer = setTimeout(() => this.#look(), awaited.endMs - nowMs);
        return;
      }
      this.#awaited.delete(awaited);
      awaited.reject(lateError(this.#what, this.#timeoutMs));
    }
  }

  /** Whoever still waits does so without a limit: the connection ends, and with it the wait. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#awaited.clear();
  }
}

function lateError(late: Late, timeoutMs: number): Error {
  if (typeof late !== "string") return late();
  return new AppError("unavailable", `${late}: no answer within ${Math.round(timeoutMs)} ms`);
}
