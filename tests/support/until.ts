/** How long and for what a test waits. */
export interface UntilOptions {
  /** Default: 5,000. */
  limitMs?: number;
  /** Named in the error when the limit is reached. */
  what?: string;
  /** Default: 5. */
  everyMs?: number;
}

/** Waits until `condition` gives something truthy and returns it; throws at the limit. */
export async function until<T>(
  condition: () => T | Promise<T>,
  { limitMs = 5_000, what = "the condition", everyMs = 5 }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  while (true) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`Waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
