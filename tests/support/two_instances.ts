import type { App } from "../../lib/app.ts";
import { kvConnectAvailable, KvConnectServer } from "./kv_connect_server.ts";
import { redisAvailable, RedisServer } from "./redis_server.ts";
import { type Env, startServer } from "./server.ts";

/** A store that instances can share, and what makes a server use it. */
interface Shared {
  isAvailable: () => boolean;
  start: () => Promise<AsyncDisposable & { url: string }>;
  envOf: (url: string) => Env;
}

const STORES: Record<string, Shared> = {
  redis: {
    isAvailable: redisAvailable,
    start: () => RedisServer.start(),
    envOf: (url) => ({ WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: url }),
  },
  kvconnect: {
    isAvailable: kvConnectAvailable,
    start: () => KvConnectServer.start(),
    envOf: (url) => ({ DENO_KV_PATH: url }),
  },
};

/** Tests a scenario with two instances, on each store that they can share. */
export function onTwoInstances(
  name: string,
  scenario: (near: App, far: App) => Promise<void>,
): void {
  for (const [store, { isAvailable, start, envOf }] of Object.entries(STORES)) {
    Deno.test({
      name: `${name} (${store})`,
      ignore: !isAvailable(),
      async fn() {
        await using server = await start();
        await using near = await startServer(envOf(server.url));
        await using far = await startServer(envOf(server.url));
        await scenario(near, far);
      },
    });
  }
}
