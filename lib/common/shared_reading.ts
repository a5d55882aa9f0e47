/** How often something is read at the most. */
export interface SharedReadingOptions {
  /** How long a reading counts at least, in milliseconds. */
  freshMs: number;
  /** Of the time, at most one part in so many is spent on reading. Default: 20. */
  share?: number;
  /** How long a reading counts at the most, however long it took, in milliseconds. Default: 5,000. */
  maxMs?: number;
}

/**
 * Something costly that many ask for: those who ask at once share one reading, and what takes long to
 * read is read less often. A reading that fails is no reading: who asks next tries again.
 */
export function sharedReading<T>(
  read: () => Promise<T>,
  { freshMs, share = 20, maxMs = 5_000 }: SharedReadingOptions,
): () => Promise<T> {
  let reading: Promise<T> | undefined;
  let freshUntilMs = 0;
  return async () => {
    const startedMs = performance.now();
    if (reading && startedMs < freshUntilMs) return await reading;
    freshUntilMs = Infinity;
    const mine = reading = read();
    try {
      const found = await mine;
      const nowMs = performance.now();
      const restMs = Math.min(maxMs, share * (nowMs - startedMs));
      freshUntilMs = Math.max(startedMs + freshMs, nowMs + restMs);
      return found;
    } catch (thrown) {
      freshUntilMs = 0;
      throw thrown;
    }
  };
}
