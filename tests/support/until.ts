/** How long and for what a test waits. */
export interface UntilOptions {
  /** Default: 30,000, as the machine may be slow and shared; what is there sooner is not waited for. */
  limitMs?: number;
  /** Named in the error when the limit is reached. Default: the condition as it is written. */
  what?: string;
  /** Default: 5. */
  everyMs?: number;
}

/** Waits until `condition` gives something truthy and returns it; throws at the limit. */
export async function until<T>(
  condition: () => T | Promise<T>,
  { limitMs = 30_000, what = nameOf(condition), everyMs = 5 }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const late = Promise.withResolvers<never>();
  let isLate = false;
  late.promise.catch(() => {});
  const timer = setTimeout(() => {
    isLate = true;
    late.reject(new Error(`Waited ${limitMs} ms in vain for ${what}`));
  }, limitMs);
  try {
    while (true) {
      // A condition that hangs must not outlast the limit either.
      const value = await Promise.race([condition(), late.promise]);
      if (value) return value;
      if (isLate) await late.promise;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  } finally {
    clearTimeout(timer);
  }
}

const MAX_NAME = 200;

function nameOf(condition: () => unknown): string {
  return condition.toString().replace(/^(async )?\(\)\s*=>\s*/, "").replace(/\s+/g, " ")
    .slice(0, MAX_NAME);
}
