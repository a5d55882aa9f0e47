import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { SweepJob } from "../../lib/common/sweep_job.ts";
import { InstanceRegistry } from "../../lib/sessions/instance_registry.ts";
import { SessionPool } from "../../lib/sessions/session_pool.ts";
import { Sweeper } from "../../lib/sessions/sweeper.ts";
import { UsagePool } from "../../lib/sessions/usage_pool.ts";
import { keys } from "../../lib/state/key_space.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { until } from "../support/until.ts";
import { user } from "./users.ts";

const pool = (faulty: FaultyStore) => faulty.contents(keys.sessionPool);

Deno.test("a removed session stays removed, whatever touches it, also through an outage", async () => {
  await using faulty = await FaultyStore.open();
  await using sessions = new SessionPool({
    store: faulty.store,
    instanceId: "i1",
    logger,
    tickMs: 5,
  });
  sessions.start();
  sessions.add("s1", user("u1"));
  sessions.add("s2", user("u2"));
  await until(async () => (await pool(faulty)).size === 2);
  faulty.down = true;
  sessions.remove("s1");
  sessions.touch("s1");
  const refused = faulty.refused;
  await until(() => faulty.refused > refused);
  faulty.down = false;
  await until(async () => (await pool(faulty)).size === 1);
  assert.equal(await sessions.get("s1"), undefined);
  assert.deepEqual([...(await pool(faulty)).keys()], ["s2"]);
});

Deno.test("M: a session that came during an outage is in the store after it", async () => {
  await using faulty = await FaultyStore.open();
  await using sessions = new SessionPool({
    store: faulty.store,
    instanceId: "i1",
    logger,
    tickMs: 5,
  });
  faulty.down = true;
  sessions.add("s1", user("u1"));
  sessions.start();
  await until(() => faulty.refused > 0, { what: "the write that fails" });
  faulty.down = false;
  await until(async () => (await pool(faulty)).has("s1"), { what: "the session to be written" });
});

Deno.test("S4, S5: stolen, deleted or unreachable, a lock comes back and the job goes on", async () => {
  await using faulty = await FaultyStore.open();
  let sweeps = 0;
  const job: SweepJob = {
    name: "test",
    lock: ["lock"],
    everyMs: 20,
    sweep: async () => {
      await faulty.store.dictionary(["x"]).get("y");
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
    return until(() => sweeps > before + 2, { what: "further sweeps" });
  };
  await goesOn();
  const mine = faulty.lastLease;
  await mine?.release();
  await until(() => faulty.lastLease !== mine, {
    what: "the lock to be taken again",
  });
  await goesOn();
  await faulty.lastLease?.release();
  const thief = await faulty.real.acquire(job.lock, { ttlMs: 200 });
  assert.ok(thief);
  const stolen = faulty.lastLease;
  await until(async () => !(await thief.renew()), { everyMs: 210, what: "the thief's time" });
  await until(() => faulty.lastLease !== stolen, { what: "the stolen lock" });
  await goesOn();
  faulty.down = true;
  await until(() => !sweeper.alive(), { what: "the sweeper to be seen failing" });
  faulty.down = false;
  await goesOn();
  assert.ok(sweeper.alive());
});

Deno.test("S5: between two sweeps the lock is never free while an instance runs", async () => {
  await using faulty = await FaultyStore.open();
  const lock = ["lock"];
  const job = { name: "test", lock, everyMs: 60_000, sweep: () => Promise.resolve() };
  const deadAmong = () => Promise.resolve(new Set<string>());
  // It is renewed at a third of its time: a busy machine may keep this thread waiting for the rest.
  const options = { store: faulty.store, logger, jobs: [job], deadAmong, lockTtlMs: 1_500 };
  await using sweeper = new Sweeper(options);
  sweeper.start();
  await until(() => faulty.lastLease);
  const end = performance.now() + 3 * options.lockTtlMs;
  await until(async () => {
    assert.equal(await faulty.real.acquire(lock, { ttlMs: 1 }), undefined, "the lock was free");
    return performance.now() > end;
  });
});

Deno.test("usage: pings of two instances lose none, a disconnect takes its own away", async () => {
  await using faulty = await FaultyStore.open();
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

Deno.test("S9: a store that has become slow keeps no local session waiting", async () => {
  await using faulty = await FaultyStore.open();
  await using sessions = new SessionPool({
    store: faulty.store,
    instanceId: "i1",
    logger,
    tickMs: 5,
  });
  sessions.start();
  faulty.slowMs = 300;
  sessions.add("s1", user("u1"));
  const written = until(async () => (await pool(faulty)).has("s1"), { what: "the late write" });
  let isWritten = false;
  void written.then(() => isWritten = true);
  sessions.touch("s1");
  assert.equal((await sessions.get("s1"))?.id, "u1");
  assert.deepEqual(await sessions.userIds(["s1"]), ["u1"]);
  assert.equal(isWritten, false, "answered before the store was");
  await written;
  faulty.slowMs = 0;
});

Deno.test("S6: shutdown ends in time when the store never answers", async () => {
  await using faulty = await FaultyStore.open();
  await using registry = new InstanceRegistry({ store: faulty.store, logger });
  await registry.start();
  const sweeper = new Sweeper({
    store: faulty.store,
    logger,
    jobs: [{ name: "test", lock: ["lock"], everyMs: 1_000, sweep: () => Promise.resolve() }],
    deadAmong: (ids) => registry.deadAmong(ids),
  });
  sweeper.start();
  await until(() => faulty.lastLease);
  faulty.hung = true;
  await sweeper[Symbol.asyncDispose]();
  faulty.hung = false;
});

Deno.test("an instance is dead after a lease without a sign of life, and an outage kills nobody", async () => {
  await using faulty = await FaultyStore.open();
  const options = { store: faulty.store, logger, leaseMs: 600 };
  await using one = new InstanceRegistry(options);
  const two = new InstanceRegistry(options);
  await one.start();
  await two.start();
  await faulty.real.dictionary(keys.instances).set("killed", { heartbeat_at: 1, started_at: 1 });
  assert.ok(await one.isAlive(two.id));
  await until(async () => !(await one.isAlive("killed")));
  assert.ok(await one.isAlive(two.id));
  faulty.down = true;
  await until(() => !one.alive() && !two.alive());
  faulty.down = false;
  await until(() => one.stableForMs() > 0);
  assert.ok(await one.isAlive(two.id));
  await until(() => two.alive());
  await until(async () => !(await faulty.contents(keys.instances)).has("killed"));
  await two[Symbol.asyncDispose]();
  assert.equal((await faulty.contents(keys.instances)).has(two.id), false);
});

for (const fault of ["down", "hung"] as const) {
  Deno.test(`M: who comes back first from an outage that all shared takes nobody for dead (${fault})`, async () => {
    await using here = await FaultyStore.open();
    const there = new FaultyStore(here.real);
    // This process may stand still for a while, which must not be taken for the lease's end.
    const leaseMs = 600;
    await using one = new InstanceRegistry({ store: here.store, logger, leaseMs });
    await using two = new InstanceRegistry({ store: there.store, logger, leaseMs });
    await one.start();
    await two.start();
    assert.ok(await one.isAlive(two.id));
    here[fault] = there[fault] = true;
    const endMs = performance.now() + 3 * leaseMs;
    await until(() => performance.now() > endMs, { what: "three leases" });
    here[fault] = false;
    await until(() => one.alive(), { what: "the first to be back" });
    assert.ok(await one.isAlive(two.id), "it could not give a sign of life");
    assert.ok((await here.contents(keys.instances)).has(two.id));
    await until(async () => !(await one.isAlive(two.id)), { what: "its time to be over" });
    there[fault] = false;
    await until(() => one.isAlive(two.id), { what: "its return" });
  });
}
