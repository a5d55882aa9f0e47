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

/** Waits until the work has settled or the time is over; says whether it settled. Never throws. */
export async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const over = new AbortController();
  const settled = work.then(() => true, () => true);
  const first = await Promise.race([settled, pause(timeoutMs, over.signal).then(() => false)]);
  over.abort();
  return first;
}

/** The next wait after a failure: twice the last one, never above `maxMs`. */
export function backOff(lastMs: number, { firstMs = 100, maxMs = 5_000 } = {}): number {
  return Math.min(maxMs, Math.max(firstMs, lastMs * 2));
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
