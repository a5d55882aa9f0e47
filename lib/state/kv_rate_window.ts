import type { KvAtomicValues } from "./kv_atomic_values.ts";
import type { RateWindow } from "./state_store.ts";

/** Counts a hit in its bucket and returns what the window holds. */
export function kvCountHit(
  atomics: KvAtomicValues,
  at: Deno.KvKey,
  { windowMs, bucketMs }: RateWindow,
  nowMs: number,
): Promise<number> {
  const bucket = Math.floor(nowMs / bucketMs);
  const oldest = bucket - Math.ceil(windowMs / bucketMs);
  return atomics.change<Record<string, number>, number>(at, (now = {}) => {
    // What lies ahead was counted before the clock was set back.
    const kept = Object.entries(now).filter(([name]) =>
      Number(name) > oldest && Number(name) <= bucket + 1
    );
    const next: Record<string, number> = Object.fromEntries(kept);
    next[bucket] = (next[bucket] ?? 0) + 1;
    return { next, result: Object.values(next).reduce((sum, hits) => sum + hits, 0) };
  }, { ttlMs: windowMs + bucketMs });
}
