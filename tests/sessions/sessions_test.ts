import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { SweepJob } from "../../lib/common/sweep_job.ts";
import type { SessionUser } from "../../lib/protocol/user.ts";
import { InstanceRegistry } from "../../lib/sessions/instance_registry.ts";
import { SessionPool } from "../../lib/sessions/session_pool.ts";
import { sessionSweepJob } from "../../lib/sessions/session_sweep.ts";
import { Sweeper } from "../../lib/sessions/sweeper.ts";
import { UsagePool } from "../../lib/sessions/usage_pool.ts";
import { until } from "../support/until.ts";
import { FaultyStore } from "./faulty_store.ts";

const user = (id: string): SessionUser => ({
  id,
  email: `${id}@example.org`,
  name: id,
  role: "user",
  last_active_at: 0,
  created_at: 0,
  updated_at: 0,
  last_seen_at: Math.floor(Date.now() / 1000),
});

const pool = (faulty: FaultyStore) => faulty.maps.get("session_pool") ?? new Map();

Deno.test("S1, S2: 20,000 sessions of a dead instance go, and the loop does not stand still", async () => {
  const faulty = new FaultyStore();
  const entries = faulty.dictionary<unknown>(["session_pool"]);
  for (let i = 0; i < 20_000; i++) {
    await entries.set(`s${i}`, { ...user(`u${i}`), instance_id: "dead" });
  }
  await using registry = new InstanceRegistry({ store: faulty.store, logger });
  await registry.start();
  let told = 0;
  const job = sessionSweepJob({
    store: faulty.store,
    logger,
    stableForMs: () => registry.stableForMs(),
    onSessionReaped: [() => void told++],
  });
  let longest = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const signal = new AbortController().signal;
  await job.sweep({ signal, deadAmong: (ids) => registry.deadAmong(ids) });
  clearInterval(ticks);
  assert.equal(pool(faulty).size, 0);
  assert.equal(told, 20_000);
  await Deno.stdout.write(
    new TextEncoder().encode(`longest pause of the loop: ${longest.toFixed(1)} ms` + "\n"),
  );
  assert.ok(longest < 50, `the loop stood still for ${longest} ms`);
});

Deno.test("S7: idle sessions are written in slices, a session at most once in its time", async () => {
  const faulty = new FaultyStore();
  await using sessions = new SessionPool({
    store: faulty.store,
    instanceId: "i1",
    logger,
    writeEveryMs: 800,
    tickMs: 20,
  });
  for (let i = 0; i < 1_000; i++) sessions.add(`s${i}`, user(`u${i}`));
  sessions.start();
  await until(() => pool(faulty).size === 1_000);
  const [trips, written] = [faulty.roundTrips, faulty.entriesWritten];
  const start = performance.now();
  const touching = setInterval(() => {
    for (let i = 0; i < 1_000; i++) sessions.touch(`s${i}`);
  }, 50);
  await until(() => faulty.entriesWritten - written >= 2_000);
  clearInterval(touching);
  const tookMs = performance.now() - start;
  assert.ok(tookMs > 1_200, `2,000 writes in ${tookMs} ms`);
  assert.ok(faulty.roundTrips - trips <= tookMs / 20 + 2);
});

Deno.test("a removed session stays removed, whatever touches it, also through an outage", async () => {
  const faulty = new FaultyStore();
  await using sessions = new SessionPool({
    store: faulty.store,
    instanceId: "i1",
    logger,
    tickMs: 5,
  });
  sessions.start();
  sessions.add("s1", user("u1"));
  sessions.add("s2", user("u2"));
  await until(() => pool(faulty).size === 2);
  faulty.down = true;
  sessions.remove("s1");
  sessions.touch("s1");
  const trips = faulty.roundTrips;
  await until(() => faulty.roundTrips > trips);
  faulty.down = false;
  await until(() => pool(faulty).size === 1);
  assert.equal(await sessions.get("s1"), undefined);
  assert.deepEqual(await sessions.ofUser("u2"), ["s2"]);
});

Deno.test("S4, S5: stolen, deleted or unreachable, a lock comes back and the job goes on", async () => {
  const faulty = new FaultyStore();
  let sweeps = 0;
  const job: SweepJob = {
    name: "test",
    lock: ["lock"],
    everyMs: 20,
    sweep: async () => {
      await faulty.dictionary(["x"]).get("y");
      sweeps++;
    },
  };
  await using sweeper = new Sweeper({
    store: faulty.store,
    logger,
    jobs: [job],
    deadAmong: () => Promise.resolve(new Set()),
    lockTtlMs: 90,
  });
  sweeper.start();
  const goesOn = () => {
    const before = sweeps;
    return until(() => sweeps > before + 2, { limitMs: 2_000, what: "further sweeps" });
  };
  await goesOn();
  faulty.locks.delete("lock");
  await until(() => faulty.locks.has("lock"), { limitMs: 500 });
  await goesOn();
  faulty.locks.set("lock", { owner: "thief", until: performance.now() + 100 });
  await until(() => faulty.locks.get("lock")?.owner !== "thief", { limitMs: 1_000 });
  await goesOn();
  faulty.down = true;
  await until(() => !sweeper.alive(), { limitMs: 2_000, what: "the sweeper to be seen failing" });
  faulty.down = false;
  await goesOn();
  assert.ok(sweeper.alive());
});

Deno.test("usage: pings of two instances lose none, a disconnect takes its own away", async () => {
  const faulty = new FaultyStore();
  const userIds = (sids: Iterable<string>) => Promise.resolve([...sids]);
  const options = { store: faulty.store, logger, userIds, tickMs: 5, maxModelsPerSession: 1 };
  await using one = new UsagePool(options);
  await using two = new UsagePool(options);
  one.start();
  two.start();
  for (let i = 0; i < 50; i++) (i % 2 ? one : two).use(`s${i}`, "m");
  assert.deepEqual(one.use("s1", "other"), { accepted: false, reason: "rate_limited" });
  await until(async () => (await one.inUse()).user_ids.length === 50);
  one.remove("s1");
  await until(async () => (await two.inUse()).user_ids.length === 49);
  assert.deepEqual((await two.inUse()).model_ids, ["m"]);
});

Deno.test("S6: shutdown ends in time when the store never answers", async () => {
  const faulty = new FaultyStore();
  await using registry = new InstanceRegistry({ store: faulty.store, logger });
  await registry.start();
  const sweeper = new Sweeper({
    store: faulty.store,
    logger,
    jobs: [{ name: "test", lock: ["lock"], everyMs: 1_000, sweep: () => Promise.resolve() }],
    deadAmong: (ids) => registry.deadAmong(ids),
  });
  sweeper.start();
  await until(() => faulty.locks.has("lock"));
  faulty.hung = true;
  const start = performance.now();
  await sweeper[Symbol.asyncDispose]();
  assert.ok(performance.now() - start < 3_000);
  faulty.hung = false;
});

Deno.test("an instance is dead after a lease without a sign of life, and an outage kills nobody", async () => {
  const faulty = new FaultyStore();
  const options = { store: faulty.store, logger, leaseMs: 150 };
  await using one = new InstanceRegistry(options);
  const two = new InstanceRegistry(options);
  await one.start();
  await two.start();
  await faulty.dictionary(["rt", "instances"]).set("killed", { heartbeat_at: 1, started_at: 1 });
  assert.ok(await one.isAlive(two.id));
  await until(async () => !(await one.isAlive("killed")));
  assert.ok(await one.isAlive(two.id));
  faulty.down = true;
  await until(() => !one.alive() && !two.alive());
  faulty.down = false;
  await until(() => one.stableForMs() > 0);
  assert.ok(await one.isAlive(two.id));
  await until(() => two.alive());
  await until(() => !faulty.maps.get("rt:instances")?.has("killed"));
  await two[Symbol.asyncDispose]();
  assert.equal(faulty.maps.get("rt:instances")?.has(two.id), false);
});
