import { openRedisBus } from "../../lib/bus/redis_bus.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { runClusterContract } from "./support/cluster_contract.ts";

runClusterContract("redis", async () => {
  const server = await RedisServer.start();
  return {
    openBus: () => openRedisBus({ url: server.url, logger }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}, { ignore: !redisAvailable() });
