/** The clock is set an hour ahead, and back. */
import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { SteadyClock } from "../../lib/common/steady_clock.ts";
import { sessionSweepJob } from "../../lib/sessions/session_sweep.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { UserActivity } from "../../lib/users/user_activity.ts";
import { until } from "../support/until.ts";

const HOUR_MS = 3_600_000;

/** The system's clock, with what it was set by. */
function settableClock() {
  let byMs = 0;
  return { nowMs: () => Date.now() + byMs, set: (ms: number) => void (byMs = ms) };
}

async function openFixture() {
  const clock = settableClock();
  const store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger, clock });
  return { clock, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

Deno.test("O6: a lock that was taken an hour ahead is free when the clock is back", async () => {
  await using h = await openFixture();
  h.clock.set(HOUR_MS);
  const ahead = await h.store.acquire(["lock"], { ttlMs: 60_000 });
  assert.ok(ahead);
  assert.equal(await h.store.acquire(["lock"], { ttlMs: 60_000 }), undefined);
  h.clock.set(0);
  const next = await h.store.acquire(["lock"], { ttlMs: 60_000 });
  assert.ok(next);
  assert.equal(await ahead.renew(), false);
  await ahead.release();
  assert.equal(await next.renew(), true);
  // Clocks that are a little apart take nothing from each other.
  h.clock.set(-5_000);
  assert.equal(await h.store.acquire(["lock"], { ttlMs: 60_000 }), undefined);
});

Deno.test("O6: who holds a lock keeps it when the clock goes back", async () => {
  await using h = await openFixture();
  const lock = await h.store.acquire(["lock"], { ttlMs: 60_000 });
  h.clock.set(-HOUR_MS);
  assert.equal(await lock?.renew(), true);
  assert.equal(await h.store.acquire(["lock"], { ttlMs: 60_000 }), undefined);
});

Deno.test("O6: hits that were counted an hour ahead close nobody out", async () => {
  await using h = await openFixture();
  const window = { windowMs: 180_000, bucketMs: 10_000 };
  h.clock.set(HOUR_MS);
  for (let i = 0; i < 20; i++) await h.store.countHit(["r"], window);
  h.clock.set(0);
  assert.equal(await h.store.countHit(["r"], window), 1);
});

Deno.test("O6: a clock that jumps reaps no session, until all had the time to write the new one", async () => {
  await using h = await openFixture();
  const pool = h.store.dictionary(keys.sessionPool);
  const timeoutMs = 400;
  const seen = () => ({ id: "u", name: "U", last_seen_at: h.clock.nowMs() / 1_000 });
  const job = sessionSweepJob({
    ...{ store: h.store, logger, timeoutMs, clock: h.clock },
    stableForMs: () => Infinity,
  });
  const sweep = async () => {
    await job.sweep({
      signal: new AbortController().signal,
      deadAmong: () => Promise.resolve(new Set()),
    });
    return (await Array.fromAsync(pool.scan())).flat().map(([sid]) => sid);
  };
  await pool.setMany([["living", seen()], ["gone", seen()]]);
  for (const byMs of [HOUR_MS, 0, HOUR_MS]) {
    h.clock.set(byMs);
    assert.deepEqual(await sweep(), ["gone", "living"]);
  }
  const left = await until(async () => {
    await pool.set("living", seen());
    const sids = await sweep();
    return sids.length < 2 ? sids : undefined;
  }, { what: "the session that is gone to be reaped" });
  assert.deepEqual(left, ["living"]);
});

Deno.test("O6: a steady clock knows jumps from the time that passes", () => {
  const clock = settableClock();
  const steady = new SteadyClock(clock);
  assert.equal(steady.steadyForMs(), Infinity);
  clock.set(1_000);
  assert.equal(steady.steadyForMs(), Infinity, "drift");
  for (const byMs of [60_000, 0]) {
    clock.set(byMs);
    assert.ok(steady.steadyForMs() < 1_000);
  }
});

Deno.test("O6: a user's last activity is noted after the clock was set back", async () => {
  await using h = await openFixture();
  const activity = new UserActivity({
    lastActive: h.store.dictionary(keys.userActivity),
    clock: h.clock,
  });
  h.clock.set(HOUR_MS);
  activity.touch("u");
  await activity.flush();
  h.clock.set(0);
  activity.touch("u");
  await activity.flush();
  const at = await h.store.dictionary(keys.userActivity).get("u");
  assert.ok(Math.abs((at ?? 0) - Date.now() / 1_000) < 60);
});
