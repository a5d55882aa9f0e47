/** Waits for the promise, `limitMs` at the most; what was waited for is told when it was in vain. */
export async function withLimit<T>(
  promise: Promise<T>,
  limitMs: number,
  what: () => string,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`Waited ${limitMs} ms in vain for ${what()}`)),
    limitMs,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
