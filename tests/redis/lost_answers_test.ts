/** What was carried out, but whose answer was lost with the connection, is sent again: and counts once. */
import assert from "node:assert/strict";
import { silentLogger } from "../../lib/common/logger.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

interface LostAnswer<T> {
  /** What stands in the store before. */
  given?(store: StateStore): Promise<unknown>;
  act(store: StateStore): Promise<T>;
  /** Whether the server has carried it out. */
  done(server: RedisServer): Promise<boolean>;
  check(result: T, store: StateStore): void | Promise<void>;
}

function test<T>(name: string, { given, act, done, check }: LostAnswer<T>): void {
  Deno.test({
    name,
    ignore: !redisAvailable(),
    async fn() {
      await using server = await RedisServer.start();
      await using proxy = new TcpProxy(server.port);
      await using store = await openRedisStore({
        url: `redis://127.0.0.1:${proxy.port}/0`,
        logger: silentLogger,
      });
      await given?.(store);
      proxy.delayMs = 300;
      const result = act(store);
      await until(() => done(server), { what: "the server to have carried it out" });
      proxy.delayMs = 0;
      proxy.cut();
      proxy.heal();
      await check(await result, store);
    },
  });
}

test("an update whose answer was lost is made once", {
  given: (store) => store.values.set(["n"], 0),
  act: (store) => store.values.update<number>(["n"], (n) => (n ?? 0) + 1),
  done: async (server) => await server.command("GET", "open-webui:n") === "1",
  async check(result, store) {
    assert.equal(result, 1);
    assert.equal(await store.values.get(["n"]), 1);
  },
});

test("a deletion by update whose answer was lost is a deletion", {
  given: (store) => store.dictionary(["d"]).set("field", 1),
  act: (store) => store.dictionary(["d"]).update("field", () => undefined),
  done: async (server) => await server.command("HEXISTS", "open-webui:d", "field") === "0",
  check: (result) => assert.equal(result, undefined),
});

test("a compaction whose answer was lost says that it was made", {
  given: (store) => store.updateLog(["log"]).append(Uint8Array.of(1), Uint8Array.of(2)),
  act: (store) => store.updateLog(["log"]).compact(2, () => Uint8Array.of(12)),
  done: async (server) => await server.command("LLEN", "open-webui:log") === "1",
  async check(result, store) {
    assert.equal(result, true);
    assert.deepEqual(await store.updateLog(["log"]).read(), [Uint8Array.of(12)]);
  },
});

test("a lock whose answer was lost is held", {
  act: (store) => store.acquire(["lock"], { ttlMs: 60_000 }),
  done: async (server) => await server.command("EXISTS", "open-webui:lock") === "1",
  async check(lease) {
    assert.ok(lease);
    assert.equal(await lease.renew(), true);
  },
});

test("a value that was written if absent, and whose answer was lost, was written", {
  act: (store) => store.values.setIfAbsent(["first"], { id: "u" }),
  done: async (server) => await server.command("EXISTS", "open-webui:first") === "1",
  check: (written) => assert.equal(written, true),
});
