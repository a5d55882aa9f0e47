import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { RedisConnection } from "../redis/connection.ts";

/** What the state and the bus send, in scripts or alone. */
const COMMANDS =
  `DEL EVAL EVALSHA GET HDEL HGET HMGET HSCAN HSET INCR LINDEX LLEN LPUSH LRANGE LTRIM MGET PEXPIRE
  PUBLISH RPUSH SADD SCARD SET SISMEMBER SMEMBERS SREM SUBSCRIBE ZADD ZCOUNT ZRANGE ZREM ZSCORE`
    .split(/\s+/);
const START_TIMEOUT_MS = 5_000;
/** Writes by a script, as the service does. */
const PROBE = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)";

/** Does what the service does: @throws {AppError} with the server's own words when it can't */
export async function probe(redis: RedisConnection, key: string, timeoutMs: number): Promise<void> {
  await redis.once(timeoutMs, (client) => client.call("eval", PROBE, "1", key, "1"));
}

/**
 * Tries at the start what would fail later.
 *
 * @throws {AppError} `unavailable` naming the commands that Redis lacks
 */
export async function requireCommands(redis: RedisConnection): Promise<void> {
  const known = await redis.once(
    START_TIMEOUT_MS,
    (client) => client.call("command", "info", ...COMMANDS.map((name) => name.toLowerCase())),
  ).catch(() => undefined);
  // Where even that may not be asked, the first probe of readiness tells.
  if (!Array.isArray(known)) return;
  const missing = COMMANDS.filter((_, at) => known[at] === null);
  if (missing.length === 0) return;
  throw new AppError(
    "unavailable",
    `Redis lacks commands that are needed: ${
      missing.join(", ")
    } (see rename-command in its configuration).`,
  );
}

/** Says what a Redis that holds the only copy of everything should be set to, and is not. */
export async function warnOfLoss(redis: RedisConnection, logger: Logger): Promise<void> {
  const setting = async (name: string): Promise<string | undefined> => {
    const found = await redis.once(
      START_TIMEOUT_MS,
      (client) => client.call("config", "get", name),
    );
    // A list in RESP2, a map in RESP3.
    if (Array.isArray(found)) return String(found[1]);
    return Object.values(found as Record<string, unknown>).map(String)[0];
  };
  logger.info("Redis holds the only copy of users, chats, notes and channels: keep backups of it");
  try {
    const policy = await setting("maxmemory-policy");
    if (policy !== "noeviction") {
      logger.warn(
        "Redis may throw away what people have written: set maxmemory-policy noeviction",
        {
          policy,
        },
      );
    }
    if (await setting("appendonly") !== "yes" && await setting("save") === "") {
      logger.warn("Redis forgets everything at its restart: set appendonly yes");
    }
  } catch (thrown) {
    logger.info(
      "whether Redis keeps what it is given can't be asked: see to noeviction and appendonly",
      {
        why: errorText(thrown),
      },
    );
  }
}
