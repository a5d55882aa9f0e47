/** The contract of the state store, over Redis in its three shapes. */
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openRedisStore, type RedisStoreOptions } from "../../lib/state/redis_store.ts";
import { ClusterSet, redisAvailable, RedisServer, SentinelSet } from "../support/redis_servers.ts";
import { runStateStoreContract } from "./state_store_contract.ts";

interface Servers {
  standalone: RedisServer;
  sentinel: SentinelSet;
  cluster: ClusterSet;
}

let servers: Servers | undefined;
let runs = 0;

function contract(
  name: string,
  address: (servers: Servers) => Omit<RedisStoreOptions, "logger">,
): void {
  runStateStoreContract(name, async () => {
    if (servers === undefined) throw new Error("The servers are not up");
    // A prefix of its own for each test keeps them apart on the shared servers.
    const options = { ...address(servers), keyPrefix: `run ${runs++}`, logger };
    const reopen = () => openRedisStore(options);
    const store = await reopen();
    return { store, reopen, dispose: async () => await store[Symbol.asyncDispose]() };
  });
}

if (redisAvailable()) {
  Deno.test.beforeAll(async () => {
    const [standalone, sentinel, cluster] = await Promise.all([
      RedisServer.start(),
      SentinelSet.start(),
      ClusterSet.start(),
    ]);
    servers = { standalone, sentinel, cluster };
  });

  Deno.test.afterAll(async () => {
    await servers?.cluster[Symbol.asyncDispose]();
    await servers?.sentinel[Symbol.asyncDispose]();
    await servers?.standalone[Symbol.asyncDispose]();
  });

  contract("redis", ({ standalone }) => ({ url: standalone.url }));
  contract("redis sentinel", ({ sentinel }) => ({
    url: sentinel.url,
    sentinelHosts: sentinel.hosts,
  }));
  contract("redis cluster", ({ cluster }) => ({ url: cluster.url, cluster: true }));
} else {
  Deno.test.ignore("redis: the contract needs redis-server", () => {});
}
