import type { App } from "../../lib/app.ts";
import { redisAvailable, RedisServer } from "./redis_server.ts";
import { startServer } from "./server.ts";

/** Tests a scenario with two instances that share a Redis of their own. */
export function onTwoInstances(
  name: string,
  scenario: (near: App, far: App) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !redisAvailable(),
    async fn() {
      await using redis = await RedisServer.start();
      const env = { WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: redis.url };
      await using near = await startServer(env);
      await using far = await startServer(env);
      await scenario(near, far);
    },
  });
}
