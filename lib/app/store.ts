import type { Logger } from "../common/logger.ts";
import type { Config } from "../config.ts";
import type { RedisStoreOptions } from "../state/redis_store.ts";
import { isKvFile } from "../state/granted_paths.ts";
import { prepareKvFile } from "../state/kv_file.ts";
import { type KvStore, openKvStore } from "../state/kv_store.ts";
import type { StateStore } from "../state/state_store.ts";

/** An open store, and which of the two it is. */
export type OpenStore =
  | { kind: "redis"; store: StateStore }
  | { kind: "kv"; store: KvStore };

/**
 * Opens the store that the configuration names, Redis or Deno KV. Redis' client is loaded where it is
 * used only: it is a tenth of what a start has to load.
 *
 * @throws {AppError} `unavailable` when it can't be opened
 */
export async function openStore(config: Config, logger: Logger): Promise<OpenStore> {
  if (config.manager === "redis") {
    const { openRedisStore } = await import("../state/redis_store.ts");
    return { kind: "redis", store: await openRedisStore(redisOptions(config, logger)) };
  }
  const path = config.kvPath;
  if (isKvFile(path)) await prepareKvFile(path, logger);
  const keyPrefix = config.redisKeyPrefix;
  const store = await openKvStore({ keyPrefix, logger, ...(path !== undefined && { path }) });
  return { kind: "kv", store };
}

export function redisOptions(config: Config, logger: Logger): RedisStoreOptions {
  return {
    logger,
    keyPrefix: config.redisKeyPrefix,
    cluster: config.isRedisCluster,
    // Beside an Open WebUI, what people write is in its database.
    isOnlyCopy: config.openWebUiDatabaseUrl === undefined,
    maxRetryCount: config.redisMaxRetryCount,
    sentinelPort: config.sentinelPort,
    ...(config.redisUrl !== undefined && { url: config.redisUrl }),
    ...(config.sentinelHosts !== undefined && { sentinelHosts: config.sentinelHosts }),
  };
}
