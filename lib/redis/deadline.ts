import { AppError } from "../common/errors.ts";

/** Settles as `promise` does, or rejects with `unavailable` once `timeoutMs` have passed. */
export function withDeadline<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new AppError("unavailable", `${what}: no answer within ${Math.round(timeoutMs)} ms`));
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
