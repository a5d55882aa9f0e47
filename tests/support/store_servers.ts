/** What instances can share, in each shape that it can have. */
import { kvConnectAvailable, KvConnectServer } from "./kv_connect_server.ts";
import { ClusterSet, redisAvailable, RedisServer, SentinelSet } from "./redis_servers.ts";
import type { Env } from "./server.ts";
import { tempFolder } from "./temp_folder.ts";

export type Mode = "redis" | "kv" | "kvconnect" | "sentinel" | "cluster";

/** A store that runs, with the servers of its shape; the others are `undefined`. */
export interface StoreServers extends AsyncDisposable {
  /** What makes a server use it. */
  readonly env: Env;
  readonly redis: RedisServer | undefined;
  readonly sentinel: SentinelSet | undefined;
  readonly cluster: ClusterSet | undefined;
  readonly kvConnect: KvConnectServer | undefined;
}

/** Whether the server that the mode needs is installed. */
export const isAvailable = (mode: Mode): boolean =>
  mode === "kv" || (mode === "kvconnect" ? kvConnectAvailable() : redisAvailable());

export async function startStoreServers(
  mode: Mode,
  redisArgs: string[] = [],
): Promise<StoreServers> {
  const none = {
    redis: undefined,
    sentinel: undefined,
    cluster: undefined,
    kvConnect: undefined,
  };
  switch (mode) {
    case "redis": {
      const redis = await RedisServer.start(redisArgs);
      return { ...none, redis, env: onRedis(redis.url), ...endOf(redis) };
    }
    case "sentinel": {
      const sentinel = await SentinelSet.start();
      const env = {
        ...onRedis(sentinel.url),
        WEBSOCKET_SENTINEL_HOSTS: sentinel.hosts.join(","),
      };
      return { ...none, sentinel, env, ...endOf(sentinel) };
    }
    case "cluster": {
      const cluster = await ClusterSet.start({ replicas: true });
      const env = { ...onRedis(cluster.url), WEBSOCKET_REDIS_CLUSTER: "true" };
      return { ...none, cluster, env, ...endOf(cluster) };
    }
    case "kvconnect": {
      const kvConnect = await KvConnectServer.start();
      return { ...none, kvConnect, env: { DENO_KV_PATH: kvConnect.url }, ...endOf(kvConnect) };
    }
    case "kv": {
      const folder = await tempFolder();
      return { ...none, env: { DENO_KV_PATH: `${folder.path}/shared.kv` }, ...endOf(folder) };
    }
  }
}

const onRedis = (url: string): Env => ({ WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: url });

const endOf = (server: AsyncDisposable): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
});
