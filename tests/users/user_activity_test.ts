import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import { PasswordHasher } from "../../lib/users/password_hasher.ts";
import { UserActivity } from "../../lib/users/user_activity.ts";
import { UserStore } from "../../lib/users/user_store.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { until } from "../support/until.ts";

async function house() {
  const faulty = await FaultyStore.open();
  const { store } = faulty;
  let nowMs = 1_000_000_000_000;
  const clock = { nowMs: () => nowMs };
  const users = new UserStore({
    store,
    clock,
    passwords: new PasswordHasher({ cost: { logN: 4, r: 8, p: 1 } }),
    announce: () => Promise.resolve(),
  });
  const activity = new UserActivity({ store, logger, clock, tickMs: 20 });
  return {
    faulty,
    users,
    activity,
    writtenOf: async (id: string) => (await faulty.contents<number>(keys.userActivity)).get(id),
    pass: (ms: number) => nowMs += ms,
    async [Symbol.asyncDispose]() {
      await activity[Symbol.asyncDispose]();
      await faulty[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a sign of life is written once a minute, and shown with the user", async () => {
  await using h = await house();
  const { id } = await h.users.create({
    name: "ada",
    email: "ada@example.org",
    password: "of ada",
  });
  const shown = async () => {
    h.users.forget(id);
    return (await h.users.get(id))?.last_active_at;
  };
  assert.equal(await shown(), 1_000_000_000);
  h.pass(1_000);
  h.activity.touch(id);
  await until(async () => await shown() === 1_000_000_001, { what: "the sign" });
  h.pass(59_000);
  h.activity.touch(id);
  h.pass(1_000);
  h.activity.touch(id);
  await until(async () => await shown() === 1_000_000_061, { what: "the next minute's" });
  assert.equal((await h.users.page()).users[0]?.last_active_at, 1_000_000_061);
  assert.equal(h.faulty.written.entries, 2);
});

Deno.test("S7: the signs of life of 400 users are written together", async () => {
  await using h = await house();
  const before = h.faulty.roundTrips;
  for (let i = 0; i < 400; i++) h.activity.touch(`user ${i}`);
  await until(() => h.faulty.written.entries === 400, { what: "the write" });
  const cost = h.faulty.roundTrips - before;
  // Deno KV reads ten entries a call and writes some ninety.
  assert.ok(cost <= 50, `${cost}`);
});

Deno.test("S7: signs of life wait for a store that is away, and are written before the end", async () => {
  await using h = await house();
  h.faulty.down = true;
  h.activity.touch("ada");
  await until(() => h.faulty.refused > 0, { what: "a try" });
  h.faulty.down = false;
  await until(async () => await h.writtenOf("ada") !== undefined, { what: "another" });
  h.activity.touch("bob");
  await h.activity[Symbol.asyncDispose]();
  assert.equal(await h.writtenOf("bob"), 1_000_000_000);
  await h.activity.forget("bob");
  assert.equal(await h.writtenOf("bob"), undefined);
});
