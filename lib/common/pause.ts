/**
 * Waits `ms` milliseconds, or less when the signal is aborted: then too it resolves. Who wants an
 * error asks the signal (`throwIfAborted`).
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/** Waits until the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The bounds of a {@linkcode backOff}. */
export interface BackOffOptions {
  /** About the first wait. Default: 100. */
  firstMs?: number;
  /** No wait is longer. Default: 5,000. */
  maxMs?: number;
}

/**
 * The next wait after a failure: about twice the last one (0 at first), never above `maxMs`. Half
 * of it at the most is left to chance, so that those who failed together do not come back as one.
 */
export function backOff(
  lastMs: number,
  { firstMs = 100, maxMs = 5_000 }: BackOffOptions = {},
): number {
  const fullMs = Math.min(maxMs, Math.max(firstMs, lastMs * 2));
  return fullMs * (0.5 + Math.random() / 2);
}

/** Gives timers and sockets their turn. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * The items of `source` until the signal is aborted, then the signal's reason as an error: at once,
 * even if the source does not listen.
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  signal.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  // One wait at a time: a promise for the end that every wait is raced with would keep them all.
  let giveUp: ((reason: unknown) => void) | undefined;
  const onAbort = () => giveUp?.(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    while (true) {
      signal.throwIfAborted();
      const { done, value } = await new Promise<IteratorResult<T>>((resolve, reject) => {
        giveUp = reject;
        iterator.next().then(resolve, reject);
      });
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not waited for: a source that does not listen would never answer.
    iterator.return?.()?.catch(() => {});
  }
}
