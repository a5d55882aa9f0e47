import type { Clock } from "../common/clock.ts";
import type { RedisConnection } from "../redis/connection.ts";
import { script } from "../redis/script.ts";
import type { RateWindow } from "./state_store.ts";

const HIT = script(`
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return hits
`);

/**
 * Counts a hit in the bucket of now and adds the buckets before it that the window still covers.
 * Each bucket is a key of its own (`{key}:{bucket}`, as Open WebUI names them); those that are over
 * no longer change, so the sum is exact. All of them are asked in one flush.
 */
export async function countHit(
  redis: RedisConnection,
  key: string,
  { windowMs, bucketMs }: RateWindow,
  clock: Clock,
): Promise<number> {
  const bucket = Math.floor(clock.nowMs() / bucketMs);
  const earlier = Array.from(
    { length: Math.ceil(windowMs / bucketMs) - 1 },
    (_, i) => `${key}:${bucket - 1 - i}`,
  );
  const [hits, counts] = await Promise.all([
    redis.runScript(HIT, `${key}:${bucket}`, [windowMs + bucketMs]),
    redis.getTexts(earlier),
  ]);
  return counts.reduce((sum, count) => sum + Number(count ?? 0), Number(hits));
}
