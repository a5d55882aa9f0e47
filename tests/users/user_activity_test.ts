import assert from "node:assert/strict";
import { keys } from "../../lib/state/key_space.ts";
import { PasswordHasher } from "../../lib/users/password_hasher.ts";
import { UserActivity } from "../../lib/users/user_activity.ts";
import { UserStore } from "../../lib/users/user_store.ts";
import { FaultyStore } from "../support/faulty_store.ts";

async function openFixture() {
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
  return {
    faulty,
    users,
    activity: new UserActivity({ lastActive: store.dictionary(keys.userActivity), clock }),
    writtenOf: async (id: string) => (await faulty.contents<number>(keys.userActivity)).get(id),
    pass: (ms: number) => nowMs += ms,
    [Symbol.asyncDispose]: () => faulty[Symbol.asyncDispose](),
  };
}

Deno.test("a sign of life is written once a minute, and shown with the user", async () => {
  await using h = await openFixture();
  const { id } = await h.users.create({
    name: "ada",
    email: "ada@example.org",
    password: "of ada",
  });
  const signAndLook = async () => {
    h.activity.touch(id);
    await h.activity.flush();
    h.users.forget(id);
    const [listed] = (await h.users.page()).users;
    assert.equal(listed?.last_active_at, (await h.users.get(id))?.last_active_at);
    return listed?.last_active_at;
  };
  h.pass(1_000);
  assert.equal(await signAndLook(), 1_000_000_001);
  h.pass(59_000);
  assert.equal(await signAndLook(), 1_000_000_001);
  h.pass(1_000);
  assert.equal(await signAndLook(), 1_000_000_061);
  assert.equal(h.faulty.written.entries, 2);
  assert.equal((await h.users.update(id, { name: "Ada" })).last_active_at, 1_000_000_061);
});

Deno.test("S7: the signs of life of 400 users are written together", async () => {
  await using h = await openFixture();
  const before = h.faulty.roundTrips;
  for (let i = 0; i < 400; i++) h.activity.touch(`user ${i}`);
  await h.activity.flush();
  const cost = h.faulty.roundTrips - before;
  assert.equal(h.faulty.written.entries, 400);
  // Deno KV reads ten entries a call and writes some ninety.
  assert.ok(cost <= 50, `${cost}`);
});

Deno.test("S7: signs of life wait for a store that is away", async () => {
  await using h = await openFixture();
  h.faulty.down = true;
  h.activity.touch("ada");
  await assert.rejects(h.activity.flush(), { code: "unavailable" });
  h.faulty.down = false;
  await h.activity.flush();
  assert.equal(await h.writtenOf("ada"), 1_000_000_000);
  await h.activity.forget("ada");
  assert.equal(await h.writtenOf("ada"), undefined);
});
