import { dirname } from "node:path";
import type { Bus } from "../cluster/bus.ts";
import { storeBus } from "../cluster/store_bus.ts";
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { Config } from "../config.ts";
import { openKvStore } from "../state/kv_store.ts";
import type { StateStore } from "../state/state_store.ts";

/**
 * Opens the store that the configuration names: Redis, or Deno KV. Redis' client is loaded where it is
 * used only: it is a tenth of what a start has to load.
 */
export async function openStore(config: Config, logger: Logger): Promise<StateStore> {
  if (config.manager === "redis") {
    const { openRedisStore } = await import("../state/redis_store.ts");
    return await openRedisStore(redisOptions(config, logger));
  }
  const path = config.kvPath;
  await makeFolder(path);
  const keyPrefix = config.redisKeyPrefix;
  return await openKvStore({ keyPrefix, logger, ...(path !== undefined && { path }) });
}

/** Opens what carries events between instances: Redis' own channels, or the store's. */
export async function openBus(config: Config, store: StateStore, logger: Logger): Promise<Bus> {
  if (config.manager === "redis") {
    const { openRedisBus } = await import("../cluster/redis_bus.ts");
    return await openRedisBus(redisOptions(config, logger));
  }
  return storeBus(store, logger, () => store.hasPeers?.() === false);
}

function redisOptions(config: Config, logger: Logger) {
  return {
    logger,
    keyPrefix: config.redisKeyPrefix,
    cluster: config.isRedisCluster,
    maxRetryCount: config.redisMaxRetryCount,
    sentinelPort: config.sentinelPort,
    ...(config.redisUrl !== undefined && { url: config.redisUrl }),
    ...(config.sentinelHosts !== undefined && { sentinelHosts: config.sentinelHosts }),
  };
}

/** A store in a file needs its folder; in memory, behind a URL or the platform's own needs none. */
async function makeFolder(path: string | undefined): Promise<void> {
  if (path === undefined || path === ":memory:" || /^https?:/.test(path)) return;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
  } catch (cause) {
    throw new AppError("unavailable", `The folder of DENO_KV_PATH can't be made: ${path}`, {
      cause,
    });
  }
}
