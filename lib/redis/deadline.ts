import { AppError } from "../common/errors.ts";

/** Settles as `promise` does, or rejects with `unavailable` once `timeoutMs` have passed. */
export function withDeadline<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(late(what, timeoutMs));
    }, timeoutMs);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

interface Awaited {
  readonly endMs: number;
  reject(error: unknown): void;
}

/** As {@linkcode withDeadline}, for many promises that have the same time: one timer looks after all. */
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

  /** Settles as `promise` does, or rejects with `unavailable` once the time is over. */
  limit<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const awaited = { endMs: performance.now() + this.#timeoutMs, reject };
      this.#awaited.add(awaited);
      this.#timer ??= setTimeout(() => this.#look(), this.#timeoutMs);
      promise.then(
        (value) => {
          this.#awaited.delete(awaited);
          resolve(value);
        },
        (error) => {
          this.#awaited.delete(awaited);
          reject(error);
        },
      );
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
      awaited.reject(late(this.#what, this.#timeoutMs));
    }
  }

  /** Whoever still waits does so without a limit: the connection ends, and with it the wait. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#awaited.clear();
  }
}

function late(what: string, timeoutMs: number): AppError {
  return new AppError("unavailable", `${what}: no answer within ${Math.round(timeoutMs)} ms`);
}

/** Waits, or returns early when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}

/** A doubling pause with jitter, so that many who lost the same server do not return as one. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempt, 16), mostMs);
  return full * (0.5 + Math.random() / 2);
}
