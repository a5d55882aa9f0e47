import { type Clock, systemClock } from "../common/clock.ts";
import { openRedis, type RedisConnection } from "../redis/connection.ts";
import type { RedisConnectionOptions } from "../redis/options.ts";
import { checkedStore } from "./checked_store.ts";
import { keys } from "./key_space.ts";
import { keyNames } from "./redis_codec.ts";
import { RedisDictionary } from "./redis_dictionary.ts";
import { redisAcquire } from "./redis_lock.ts";
import { redisMemberSet } from "./redis_member_set.ts";
import { countHit } from "./redis_rate_window.ts";
import { probe, requireCommands, warnOfLoss } from "./redis_probe.ts";
import { redisSortedIndex } from "./redis_sorted_index.ts";
import { Updates } from "./redis_update.ts";
import { redisUpdateLog } from "./redis_update_log.ts";
import { redisValues } from "./redis_values.ts";
import type { StateStore } from "./state_store.ts";

export interface RedisStoreOptions extends RedisConnectionOptions {
  /** What stands in front of every key. Default: `open-webui`. */
  keyPrefix?: string;
  /** The clock of the rate windows' buckets. Default: the system's. */
  clock?: Clock;
  /** What people have written is nowhere else, and must not be lost. Default: true. */
  isOnlyCopy?: boolean;
}

const NAMES: Record<RedisConnection["shape"], string> = {
  standalone: "redis",
  sentinel: "redis sentinel",
  cluster: "redis cluster",
};

/**
 * The state in Redis: under Open WebUI's own keys, in its types and formats (docs/protocol.md, section 9).
 *
 * A command whose connection is lost under it is sent again, so it may be carried out twice. Where
 * that would show (updates, locks, `setIfAbsent`, `compact`) the second arrival is recognized; an
 * `append` may leave its updates in the log twice, which a document takes as once, a hit may be
 * counted twice, and the numbers that `add`, `remove` and `delete` return are those of the last try.
 *
 * @throws {AppError} `unavailable` when Redis can't be reached within `connectTimeoutMs`.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<StateStore> {
  const { keyPrefix = "open-webui", clock = systemClock, isOnlyCopy = true } = options;
  const redis = await openRedis(options);
  try {
    await requireCommands(redis);
    if (isOnlyCopy) await warnOfLoss(redis, options.logger);
  } catch (thrown) {
    await redis[Symbol.asyncDispose]();
    throw thrown;
  }
  const name = keyNames(keyPrefix);
  const updates = new Updates(redis);

  return checkedStore({
    name: NAMES[redis.shape],
    values: redisValues(redis, updates, name),
    dictionary: <T>(key: readonly string[], more = {}) =>
      new RedisDictionary<T>(redis, updates, name(key), more),
    memberSet: (key, more) => redisMemberSet(redis, name(key), more),
    sortedIndex: (key) => redisSortedIndex(redis, name(key)),
    updateLog: (key, more) => redisUpdateLog(redis, name(key), more),
    acquire: (key, { ttlMs }) => redisAcquire(redis, name(key), ttlMs),
    countHit: (key, window) => countHit(redis, name(key), window, clock),
    ping: (timeoutMs) => probe(redis, name(keys.probe), timeoutMs),
    stats: () => ({ roundTrips: redis.roundTrips }),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }, options.logger);
}
