import assert from "node:assert/strict";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const ignore = !redisAvailable();
const withRedis = (port: number, user = "") => ({
  WEBSOCKET_MANAGER: "redis",
  WEBSOCKET_REDIS_URL: `redis://${user}127.0.0.1:${port}/0`,
});

const readyOf = async (url: string) => {
  const response = await fetch(`${url}/ready`);
  const { failed } = await response.json();
  return { isReady: response.status === 200, failed: String(failed) };
};

/** What ails Redis, how to begin it and end it, and what it says then. */
const TROUBLES: [string, string[][], string[][], RegExp][] = [
  [
    "full",
    [["CONFIG", "SET", "maxmemory", "1"]],
    [["CONFIG", "SET", "maxmemory", "0"]],
    /OOM/,
  ],
  [
    "a replica, which is read only",
    [["REPLICAOF", "127.0.0.1", "1"]],
    [["REPLICAOF", "NO", "ONE"]],
    /READONLY/,
  ],
  [
    "without its replicas",
    [["CONFIG", "SET", "min-replicas-to-write", "1"]],
    [["CONFIG", "SET", "min-replicas-to-write", "0"]],
    /NOREPLICAS/,
  ],
];

for (const [what, begin, end, words] of TROUBLES) {
  Deno.test({
    name: `O7, O8, O16: Redis is ${what}: /ready says no in 3 s, one line says why, it recovers`,
    ignore,
    async fn() {
      await using redis = await RedisServer.start();
      const { logger, lines } = keepingLogger();
      await using app = await startServer(withRedis(redis.port), logger);
      const ada = await signUp(app.url);
      await using client = await connect(app.url, ada.token);
      await until(async () => (await readyOf(app.url)).isReady, { what: "the start" });
      lines.length = 0;
      for (const command of begin) await redis.command(...command);
      const { failed } = await until(async () => {
        const now = await readyOf(app.url);
        return now.isReady ? undefined : now;
      }, { what: "/ready to say no" });
      assert.match(failed, /store/);
      const refused = await ada.call("POST", "/api/v1/notes/create", { title: "refused" });
      assert.equal((await refused.json()).code, "unavailable");
      for (let n = 0; n < 5; n++) await readyOf(app.url);
      const told = lines.filter((line) => line.includes("not ready") && line.includes("store"));
      assert.equal(told.length, 1, told.join(""));
      assert.match(told[0] ?? "", words);
      for (const command of end) await redis.command(...command);
      await until(async () => (await readyOf(app.url)).isReady, {
        what: "/ready to say yes",
      });
      assert.equal(await ada.status("POST", "/api/v1/notes/create", { title: "taken" }), 200);
      assert.ok(client.socket.connected);
      assert.equal(lines.filter((line) => line.includes("ready again")).length > 0, true);
    },
  });
}

Deno.test({
  name: "O7, O16: a command that is missing ends the start, and is named",
  ignore,
  async fn() {
    for (const missing of ["EVAL", "HSCAN"]) {
      await using redis = await RedisServer.start(["--rename-command", missing, '""']);
      await assert.rejects(startServer(withRedis(redis.port)), new RegExp(`lacks.*${missing}`));
    }
  },
});

Deno.test({
  name: "O10: that Redis holds the only copy is said at the start, and what it should be set to",
  ignore,
  async fn() {
    const startWith = async (...args: string[]) => {
      await using redis = await RedisServer.start(args);
      const { logger, lines } = keepingLogger();
      await using _ = await startServer(withRedis(redis.port), logger);
      return lines.join("");
    };
    const careless = await startWith("--save", "", "--maxmemory-policy", "allkeys-lru");
    assert.match(careless, /only copy/);
    assert.match(careless, /set maxmemory-policy noeviction/);
    assert.match(careless, /set appendonly yes/);
    const careful = await startWith("--appendonly", "yes", "--maxmemory-policy", "noeviction");
    assert.match(careful, /only copy/);
    assert.doesNotMatch(careful, /set (maxmemory|appendonly)/);
  },
});

Deno.test("O16: a Redis that refuses connections is told in its own words", async () => {
  const words = "DENIED Redis is running in protected mode because no password is set.";
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode(`-${words}\r\n`)).catch(() => {});
      connection.close();
    }
  })();
  await assert.rejects(startServer(withRedis(listener.addr.port)), (thrown: Error) => {
    assert.ok(String((thrown.cause as Error).message).includes(words), String(thrown.cause));
    return true;
  });
  listener.close();
  await serving.catch(() => {});
});

Deno.test({
  name: "O16: a wrong password is told as one",
  ignore,
  async fn() {
    await using redis = await RedisServer.start(["--requirepass", "right"], {
      cli: ["-a", "right"],
    });
    await assert.rejects(startServer(withRedis(redis.port, ":wrong@")), (thrown: Error) => {
      assert.match(String(thrown.cause), /WRONGPASS/);
      return true;
    });
  },
});
