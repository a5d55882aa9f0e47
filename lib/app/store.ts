import { dirname } from "node:path";
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { Config } from "../config.ts";
import { openKvStore } from "../state/kv_store.ts";
import { openRedisStore } from "../state/redis_store.ts";
import type { StateStore } from "../state/state_store.ts";

/** Opens the store that the configuration names: Redis, or Deno KV. */
export async function openStore(config: Config, logger: Logger): Promise<StateStore> {
  const keyPrefix = config.redisKeyPrefix;
  if (config.manager === "redis") {
    return await openRedisStore({
      keyPrefix,
      logger,
      cluster: config.isRedisCluster,
      maxRetryCount: config.redisMaxRetryCount,
      sentinelPort: config.sentinelPort,
      ...(config.redisUrl !== undefined && { url: config.redisUrl }),
      ...(config.sentinelHosts !== undefined && { sentinelHosts: [...config.sentinelHosts] }),
    });
  }
  const path = config.kvPath;
  await makeFolder(path);
  return await openKvStore({ keyPrefix, logger, ...(path !== undefined && { path }) });
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
