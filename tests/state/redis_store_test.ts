import assert from "node:assert/strict";
import { silentLogger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

const ignore = !redisAvailable();

interface Setting {
  server: RedisServer;
  store: StateStore;
  other: StateStore;
}

function test(name: string, fn: (setting: Setting) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      await using server = await RedisServer.start();
      const open = () => openRedisStore({ url: server.url, logger: silentLogger });
      await using store = await open();
      await using other = await open();
      await fn({ server, store, other });
    },
  });
}

test("what is written has Open WebUI's keys, types and texts", async ({ server, store }) => {
  const text = (...command: string[]) => server.command(...command);
  const session = { id: "u", name: "Ünï", last_seen_at: 1 };
  await store.dictionary(keys.sessionPool).set("sid", session);
  assert.equal(await text("HGET", "open-webui:session_pool", "sid"), JSON.stringify(session));

  await store.updateLog(keys.documentUpdates("note:1")).append(Uint8Array.of(1, 20, 255));
  const updates = "open-webui:ydoc:documents:note:1:updates";
  assert.equal(await text("LINDEX", updates, "0"), "[1,20,255]");

  await store.memberSet(keys.documentUsers("note:1")).add("sid");
  assert.equal(await text("SMEMBERS", "open-webui:ydoc:documents:note:1:users"), "sid");

  await store.values.set(keys.revokedToken("j"), "1", { ttlMs: 60_000 });
  const left = Number(await text("PTTL", "open-webui:auth:token:j:revoked"));
  assert.ok(left > 50_000 && left <= 60_000);

  await using lock = await store.acquire(keys.sessionCleanupLock, { ttlMs: 30_000 });
  assert.equal(await text("GET", "open-webui:session_cleanup_lock"), lock?.owner);
  assert.ok(Number(await text("PTTL", "open-webui:session_cleanup_lock")) > 20_000);

  await store.countHit(keys.rateLimit("k"), { windowMs: 60_000, bucketMs: 10_000 });
  const [bucket = ""] = (await text("KEYS", "open-webui:ratelimit:k:*")).split("\n");
  assert.equal(await text("GET", bucket), "1");
  assert.ok(Number(await text("PTTL", bucket)) > 60_000);
});

test("what Open WebUI's own instances write is read", async ({ server, store }) => {
  await server.command("SET", "open-webui:auth:token:j:revoked", "1", "EX", "60");
  assert.equal(await store.values.get(keys.revokedToken("j")), 1);
  await server.command("SET", "open-webui:auth:user:u:revoked_at", "1700000000");
  assert.equal(await store.values.get(keys.userRevokedAt("u")), 1_700_000_000);
  await server.command("SET", "open-webui:plain", "not json");
  assert.equal(await store.values.get(["plain"]), "not json");
  await server.command("HSET", "open-webui:tasks", "task-1", "chat-1");
  assert.equal(await store.dictionary(keys.tasks).get("task-1"), "chat-1");
  await server.command("RPUSH", "open-webui:ydoc:documents:d:updates", "[1, 2, 255]");
  const updates = await store.updateLog(keys.documentUpdates("d")).read();
  assert.deepEqual(updates, [Uint8Array.of(1, 2, 255)]);
});

/** A store whose answers come late, so that another can act between its reading and its writing. */
async function late(
  server: RedisServer,
  fn: (store: StateStore, proxy: TcpProxy) => Promise<void>,
) {
  await using proxy = new TcpProxy(server.port);
  await using store = await openRedisStore({
    url: `redis://127.0.0.1:${proxy.port}/0`,
    logger: silentLogger,
  });
  await fn(store, proxy);
}

/** How often the server was asked this. */
async function calls(server: RedisServer, command: string): Promise<number> {
  const stats = await server.command("INFO", "commandstats");
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(stats)?.[1] ?? 0);
}

test("10.1: a change made between another's reading and writing is not lost", async ({ server, other }) => {
  await late(server, async (slow, proxy) => {
    const ping = (store: StateStore, sid: string) =>
      store.dictionary(keys.usagePool).update("model", (uses) => ({
        ...uses,
        [sid]: { updated_at: 1 },
      }));
    proxy.delayMs = 200;
    const slowPing = ping(slow, "a");
    await until(async () => await calls(server, "hget") === 1, { what: "the slow one to read" });
    await ping(other, "b");
    proxy.delayMs = 0;
    await slowPing;
    const uses = await other.dictionary(keys.usagePool).get("model");
    assert.deepEqual(Object.keys(uses ?? {}).toSorted(), ["a", "b"]);
  });
});

test("10.1: a thousand pings at once from two instances all count", async ({ store, other }) => {
  const pools = [store, other].map((each) => each.dictionary<number>(["sum"]));
  await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => pools[i % 2]?.update("model", (n) => (n ?? 0) + 1)),
  );
  assert.equal(await pools[0]?.get("model"), 1_000);
});

test("10.2: an update appended during a compaction stays behind the snapshot", async ({ server, other }) => {
  await late(server, async (slow, proxy) => {
    const key = keys.documentUpdates("d");
    await other.updateLog(key).append(...[1, 2, 3].map((n) => Uint8Array.of(n)));
    proxy.delayMs = 200;
    const compaction = slow.updateLog(key).compact(3, () => Uint8Array.of(123));
    await until(async () => await calls(server, "lrange") === 1, { what: "the head to be read" });
    await other.updateLog(key).append(Uint8Array.of(4));
    proxy.delayMs = 0;
    assert.equal(await compaction, true);
    assert.deepEqual(await other.updateLog(key).read(), [Uint8Array.of(123), Uint8Array.of(4)]);
  });
});

test("10.2: of two compactions of one head, one is made", async ({ server, other }) => {
  await late(server, async (slow, proxy) => {
    const key = keys.documentUpdates("d");
    await other.updateLog(key).append(...[1, 2, 3, 4].map((n) => Uint8Array.of(n)));
    proxy.delayMs = 200;
    const second = slow.updateLog(key).compact(2, () => Uint8Array.of(99));
    await until(async () => await calls(server, "lrange") === 1, { what: "the head to be read" });
    assert.equal(await other.updateLog(key).compact(3, () => Uint8Array.of(123)), true);
    proxy.delayMs = 0;
    assert.equal(await second, false);
    assert.deepEqual(await other.updateLog(key).read(), [Uint8Array.of(123), Uint8Array.of(4)]);
  });
});

test("10.3: who has lost the lock can neither renew it nor take it from its new owner", async ({ server, store, other }) => {
  const key = keys.sessionCleanupLock;
  const first = await store.acquire(key, { ttlMs: 60_000 });
  assert.ok(first);
  assert.equal(await first.renew(), true);
  await server.command("DEL", "open-webui:session_cleanup_lock");
  const second = await other.acquire(key, { ttlMs: 60_000 });
  assert.ok(second);
  assert.equal(await first.renew(), false, "the original's XX would have renewed it");
  await first.release();
  assert.equal(await server.command("GET", "open-webui:session_cleanup_lock"), second.owner);
  assert.equal(await second.renew(), true);
  await second.release();
});

test("D8: 50,000 small updates are written, read, compacted and read again", async ({ store }) => {
  const log = store.updateLog(keys.documentUpdates("d"));
  const updates = Array.from({ length: 50_000 }, (_, i) => Uint8Array.of(1, i & 255, i >> 8, 7));
  assert.equal(await log.append(...updates), 50_000);
  assert.deepEqual(await log.read(), updates);
  assert.equal(await log.compact(49_999, () => Uint8Array.of(5)), true);
  assert.deepEqual(await log.read(), [Uint8Array.of(5), updates.at(-1)]);
});

test("S2: a walk over a dictionary that shrinks names nothing twice", async ({ store }) => {
  const kept = Array.from({ length: 380 }, (_, i) => `kept ${i}`);
  const gone = Array.from({ length: 3_600 }, (_, i) => `gone ${i}`);
  for (let round = 0; round < 10; round++) {
    const pool = store.dictionary<number>(["pool", String(round)]);
    await pool.setMany([...kept, ...gone].map((field) => [field, 1] as const));
    const seen: string[] = [];
    let pages = 0;
    for await (const page of pool.scan({ pageSize: 20 })) {
      assert.ok(page.length <= 20);
      seen.push(...page.map(([field]) => field));
      // The table is rehashed to a smaller one under the walk: HSCAN comes by some fields again.
      if (++pages === 3 + round) await pool.delete(...gone);
    }
    assert.equal(new Set(seen).size, seen.length);
    const found = new Set(seen);
    for (const field of kept) assert.ok(found.has(field));
    await pool.clear();
  }
});

test("a page after a cursor whose member has gone goes on where it was", async ({ store }) => {
  const index = store.sortedIndex(["index"]);
  const members = Array.from({ length: 60 }, (_, i) => `m${String(i).padStart(2, "0")}`);
  for (const descending of [false, true]) {
    await index.put(...members.map((member) => ({ member, score: 7 })));
    const first = await index.page({ limit: 20, descending });
    await index.remove(first.entries.at(-1)?.member ?? "");
    const rest = await index.page({ limit: 60, descending, cursor: first.cursor });
    const all = [...first.entries, ...rest.entries].map(({ member }) => member);
    assert.deepEqual(all, descending ? members.toReversed() : members);
    assert.equal(rest.cursor, undefined);
  }
});

test("members are ordered by their bytes", async ({ store }) => {
  const index = store.sortedIndex(["index"]);
  const members = ["", "B", "a", "z", "é", "\uff5e", "😀"];
  await index.put(...members.toReversed().map((member) => ({ member, score: 0 })));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await index.page({ limit: 1, cursor });
    seen.push(...page.entries.map(({ member }) => member));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(seen, members);
});
