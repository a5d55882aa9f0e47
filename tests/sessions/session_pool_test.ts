import assert from "node:assert/strict";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { pause } from "../../lib/common/pause.ts";
import { SessionPool } from "../../lib/sessions/session_pool.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";
import { user } from "./users.ts";

const SOCKETS = 5_000;
/** A second of the defaults takes this long here. */
const SECOND_MS = 25;
const WATCHED_SECONDS = 80;

/** What 5,000 sockets that send a heartbeat every 30 s cost the store each second. */
async function idle(name: string, faulty: FaultyStore, mostTripsPerSecond: number): Promise<void> {
  await using sessions = new SessionPool({
    store: faulty.store,
    instanceId: "i1",
    logger,
    writeEveryMs: 40 * SECOND_MS,
    tickMs: SECOND_MS,
  });
  for (let i = 0; i < SOCKETS; i++) sessions.add(`s${i}`, user(`u${i}`));
  sessions.start();
  await until(() => faulty.written.entries === SOCKETS, { what: "all sessions to be written" });

  let at = 0;
  const begin = performance.now();
  const beat = () => {
    const due = Math.floor((performance.now() - begin) / SECOND_MS / 30 * SOCKETS);
    for (; at < due; at++) sessions.touch(`s${at % SOCKETS}`);
  };
  const heartbeats = setInterval(beat, 10);
  // A session that was just written is not written again for 40 s.
  await until(() => faulty.written.entries > SOCKETS, { what: "the first to be due" });
  const written = faulty.written.entries;
  const beginMs = performance.now();
  const tripsBefore = faulty.roundTrips;
  await pause(WATCHED_SECONDS * SECOND_MS);
  clearInterval(heartbeats);
  const seconds = (performance.now() - beginMs) / SECOND_MS;
  const entries = (faulty.written.entries - written) / seconds;
  const trips = (faulty.roundTrips - tripsBefore) / seconds;
  say(
    `${name}: ${SOCKETS} idle sockets cost ${entries.toFixed(0)} entries and ` +
      `${trips.toFixed(1)} round trips a second`,
  );
  assert.ok(at >= 2 * SOCKETS, `only ${at} heartbeats`);
  await until(() => faulty.written.entries - written > 50 * WATCHED_SECONDS, {
    what: "the heartbeats to be written",
  });
  // 125 on average; what is due at once is spread at twice that.
  assert.ok(entries <= SOCKETS / 40 * 1.3, `${entries} entries a second`);
  assert.ok(trips <= mostTripsPerSecond, `${trips} round trips a second`);
}

Deno.test("S7: what 5,000 idle sockets write to KV is bounded", async () => {
  await using faulty = await FaultyStore.open();
  // Ten entries a read, ninety a commit.
  await idle("kv", faulty, 22);
});

Deno.test({
  name: "S7: what 5,000 idle sockets write to Redis is one round trip a second",
  ignore: !redisAvailable(),
  async fn() {
    await using server = await RedisServer.start();
    await using faulty = new FaultyStore(await openRedisStore({ url: server.url, logger }));
    await idle("redis", faulty, 1.1);
  },
});

Deno.test({
  name: "S7: what is written alongside shares the round trip, and holds up nothing when it fails",
  ignore: !redisAvailable(),
  async fn() {
    await using server = await RedisServer.start();
    await using faulty = new FaultyStore(await openRedisStore({ url: server.url, logger }));
    const { store } = faulty;
    let writes = 0;
    const others = store.dictionary<number>(["others"]);
    const alongside = async () => {
      if (writes++ === 1) throw new AppError("unavailable", "Not now.");
      await others.set("n", writes);
    };
    await using sessions = new SessionPool({ store, instanceId: "i1", logger, alongside });
    sessions.start();
    const before = faulty.roundTrips;
    sessions.add("s1", user("u"));
    await until(() => faulty.written.entries === 2, { what: "both writes" });
    assert.equal(faulty.roundTrips - before, 1);
    sessions.add("s2", user("u"));
    const pooled = () => faulty.contents(keys.sessionPool);
    await until(async () => (await pooled()).has("s2"), { what: "the session" });
    assert.ok(writes > 1);
  },
});
