import assert from "node:assert/strict";
import { systemClock, unixSeconds } from "../../lib/common/clock.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { sessionSweepJob } from "../../lib/sessions/session_sweep.ts";
import type { SessionRecord } from "../../lib/state/records.ts";
import { SessionPool } from "../../lib/sessions/session_pool.ts";
import { pause } from "../../lib/common/pause.ts";
import { InstanceRegistry } from "../../lib/sessions/instance_registry.ts";
import { Sweeper } from "../../lib/sessions/sweeper.ts";
import { UsagePool } from "../../lib/sessions/usage_pool.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { longestPause } from "../support/loop_pauses.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { say } from "../support/say.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { user } from "./users.ts";

const SESSIONS = 20_001;
const MAX_PAUSE_MS = 20;
const signal = new AbortController().signal;

const sessionsOf = (instance: string, count: number): [string, SessionRecord][] =>
  Array.from({ length: count }, (_, i) => [
    `${instance}-${i}`,
    { ...user(`u${i}`), instance_id: instance },
  ]);

const job = (store: StateStore, onSessionReaped: () => void = () => {}) =>
  sessionSweepJob({
    store,
    logger,
    stableForMs: () => Infinity,
    onSessionReaped: [onSessionReaped],
  });

const deadAre = (...dead: string[]) => (ids: Iterable<string>) =>
  Promise.resolve(new Set([...ids].filter((id) => dead.includes(id))));

interface Sweeps {
  pausesMs: number[];
  tookMs: number;
  roundTrips: number;
}

/** One sweep for each list of dead instances; the pauses come back in order, shortest first. */
async function measure(store: StateStore, dead: string[][], hook?: () => void): Promise<Sweeps> {
  const sweeps: Sweeps = { pausesMs: [], tookMs: 0, roundTrips: 0 };
  for (const instances of dead) {
    const trips = store.stats().roundTrips;
    const start = performance.now();
    const sweep = () => job(store, hook).sweep({ signal, deadAmong: deadAre(...instances) });
    sweeps.pausesMs.push(await longestPause(sweep));
    sweeps.tookMs = Math.max(sweeps.tookMs, performance.now() - start);
    sweeps.roundTrips = Math.max(sweeps.roundTrips, store.stats().roundTrips - trips);
  }
  sweeps.pausesMs.sort((a, b) => a - b);
  return sweeps;
}

/**
 * Measures until the loop was let run once, as often as ten times: what the sweep itself holds shows
 * in every round; garbage and neighbours on the machine's cores show in some.
 */
async function measureUntilFree(what: string, round: () => Promise<Sweeps>): Promise<Sweeps> {
  for (let tries = 1;; tries++) {
    // The machine's own: what this loop is made to wait while it has nothing to do.
    const noiseMs = await longestPause(() => pause(250));
    const sweeps = await round();
    const pauses = sweeps.pausesMs.map((ms) => ms.toFixed(1)).join(", ");
    say(
      `${what}: ${sweeps.tookMs.toFixed(0)} ms, ${sweeps.roundTrips} round trips, ` +
        `pauses ${pauses} ms (idle ${noiseMs.toFixed(1)})`,
    );
    const [shortestMs = Infinity] = sweeps.pausesMs;
    if (shortestMs < MAX_PAUSE_MS) return sweeps;
    assert.ok(tries < 10, `${what}: the loop stood still for ${shortestMs} ms in every round`);
  }
}

/** Sweeps 20,001 living sessions, then reaps a third of them three times. */
async function sweepAll(name: string, fill: StateStore, store: StateStore): Promise<void> {
  const instances = ["a", "b", "c"];
  const pool = fill.dictionary(keys.sessionPool);
  const fillUp = async () => {
    for (const instance of instances) await pool.setMany(sessionsOf(instance, SESSIONS / 3));
  };
  await fillUp();
  const living = await measureUntilFree(`${name}, living`, () => measure(store, [[], []]));
  assert.ok(living.roundTrips <= SESSIONS / 200 + 10, "a round trip a page");
  await measureUntilFree(`${name}, reaping`, async () => {
    await fillUp();
    let reaped = 0;
    const dead = instances.map((instance) => [instance]);
    const sweeps = await measure(store, dead, () => reaped++);
    assert.equal(reaped, SESSIONS);
    for await (const page of pool.scan()) assert.equal(page.length, 0);
    return sweeps;
  });
}

Deno.test("S2: a sweep of 20,000 sessions in a KV file lets the loop run", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using store = await openKvStore({ path: `${directory}/kv`, keyPrefix: "t", logger });
    await sweepAll("kv file", store, store);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "S2: a sweep of 20,000 sessions in a Redis that is 1 ms away, each way, lets the loop run",
  ignore: !redisAvailable(),
  async fn() {
    await using server = await RedisServer.start();
    await using proxy = new TcpProxy(server.port);
    // Both ways are waited for on the way back.
    proxy.delayMs = 2;
    await using fill = await openRedisStore({ url: server.url, logger });
    const url = `redis://127.0.0.1:${proxy.port}/0`;
    await using store = await openRedisStore({ url, logger });
    await sweepAll("redis", fill, store);
  },
});

Deno.test("S1: 1,000 sessions that were used and never closed leave nothing after one time-out", async () => {
  // A lease is a quarter of the time-out, as it is by default.
  const timeoutMs = 3_000;
  const leaseMs = timeoutMs / 4;
  await using faulty = await FaultyStore.open();
  const { store, real } = faulty;
  await using survivor = new InstanceRegistry({ store: real, logger, leaseMs });
  await survivor.start();
  const baseline = await countKeys(real);

  // Everything that the killed instance writes passes the faulty store: its death is its silence.
  await using killed = new InstanceRegistry({ store, logger, leaseMs });
  await using sessions = new SessionPool({ store, logger, instanceId: killed.id, tickMs: 10 });
  const userIds = (sids: Iterable<string>) => sessions.userIds(sids);
  await using usage = new UsagePool({ store, logger, userIds, tickMs: 10 });
  await killed.start();
  sessions.start();
  usage.start();
  for (let i = 0; i < 1_000; i++) {
    sessions.add(`s${i}`, user(`u${i % 100}`));
    usage.use(`s${i}`, `model-${i % 10}`);
    await store.memberSet(keys.sessionDocuments(`s${i}`)).add(`note_${i}`);
  }
  await until(async () => await countKeys(real) >= baseline + 1_000 + 10 + 1);
  faulty.down = true;

  const clock = { nowMs: () => Date.now() + 4_000 };
  const swept = new UsagePool({ store: real, logger, userIds, clock });
  await using sweeper = new Sweeper({
    store: real,
    logger,
    deadAmong: (ids) => survivor.deadAmong(ids),
    jobs: [
      sessionSweepJob({
        store: real,
        logger,
        timeoutMs,
        stableForMs: () => survivor.stableForMs(),
        onSessionReaped: [(sid) => real.memberSet(keys.sessionDocuments(sid)).clear()],
      }),
      swept.sweepJob(timeoutMs / 4),
    ],
  });
  const start = performance.now();
  sweeper.start();
  await until(async () => await countKeys(real) === baseline, {
    // The time-out, and what a busy machine takes to sweep.
    limitMs: timeoutMs + 30_000,
    what: "the baseline",
  });
  say(`1,000 sessions of a killed instance gone after ${(performance.now() - start) | 0} ms`);
  for (let i = 0; i < 1_000; i += 100) {
    assert.deepEqual(await real.memberSet(keys.sessionDocuments(`s${i}`)).members(), []);
  }
});

async function countKeys(store: StateStore): Promise<number> {
  let count = 0;
  for (const key of [keys.sessionPool, keys.usagePool, keys.instances]) {
    for await (const page of store.dictionary<unknown>(key).scan()) count += page.length;
  }
  return count;
}

Deno.test("sessions not seen for too long are reaped, unless one is touched in that moment", async () => {
  await using faulty = await FaultyStore.open();
  const pool = faulty.real.dictionary(keys.sessionPool);
  const old = unixSeconds(systemClock) - 500;
  const stale = { ...user("u"), last_seen_at: old, instance_id: "alive" };
  await pool.setMany([
    ["stale", stale],
    ["fresh", { ...stale, last_seen_at: unixSeconds(systemClock) }],
    ["touched", stale],
    ["python", { ...user("u"), last_seen_at: old }],
  ]);
  const reaped: string[] = [];
  let stableForMs = 10;
  const sweep = (onSessionReaped: (sid: string) => void | Promise<void>) =>
    sessionSweepJob({
      store: faulty.store,
      logger,
      stableForMs: () => stableForMs,
      settleMs: 1_000,
      onSessionReaped: [onSessionReaped],
    }).sweep({
      signal,
      deadAmong: async () => {
        // The page has been read, with the old time in it.
        await pool.update("touched", (now) => now && { ...now, last_seen_at: old + 500 });
        return new Set();
      },
    });
  await sweep((sid) => void reaped.push(sid));
  assert.equal(reaped.length, 0, "after an outage instances get their time to write");
  await pool.set("touched", stale);
  stableForMs = 2_000;
  await sweep((sid) => void reaped.push(sid));
  assert.deepEqual(reaped.sort(), ["python", "stale"]);
  const left = [...(await faulty.contents(keys.sessionPool)).keys()];
  assert.deepEqual(left.sort(), ["fresh", "touched"]);
});

Deno.test("a session of a dead instance stays until its clean-up has succeeded", async () => {
  await using faulty = await FaultyStore.open();
  await faulty.real.dictionary(keys.sessionPool).setMany(sessionsOf("dead", 3));
  const failing = new Set(["dead-1"]);
  const sweep = () =>
    sessionSweepJob({
      store: faulty.store,
      logger,
      stableForMs: () => 0,
      onSessionReaped: [(sid) => failing.has(sid) ? Promise.reject(new Error("away")) : undefined],
    }).sweep({ signal, deadAmong: deadAre("dead") });
  await sweep();
  assert.deepEqual([...(await faulty.contents(keys.sessionPool)).keys()], ["dead-1"]);
  failing.clear();
  await sweep();
  assert.equal((await faulty.contents(keys.sessionPool)).size, 0);
});

Deno.test("the usage sweep takes away what nobody pings, and nothing else", async () => {
  await using faulty = await FaultyStore.open();
  const now = Date.now() / 1_000;
  await faulty.real.dictionary(keys.usagePool).setMany([
    ["old", { s1: { updated_at: now - 60 }, s2: { updated_at: now - 10 } }],
    ["mixed", { s1: { updated_at: now - 60 }, s3: { updated_at: now + 60 } }],
    ["live", { s4: { updated_at: now + 60 } }],
  ]);
  const userIds = (sids: Iterable<string>) => Promise.resolve([...sids]);
  await using usage = new UsagePool({ store: faulty.store, logger, userIds });
  const { entries } = faulty.written;
  await usage.sweepJob().sweep({ signal, deadAmong: deadAre() });
  const left = await faulty.contents<Record<string, unknown>>(keys.usagePool);
  const sids = [...left].map(([model, sids]) => [model, ...Object.keys(sids)]).sort();
  assert.deepEqual(sids, [["live", "s4"], ["mixed", "s3"]]);
  assert.equal(faulty.written.entries - entries, 1, "what lives is not written");
});
