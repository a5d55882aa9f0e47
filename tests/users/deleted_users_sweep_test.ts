import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { deletedUsersSweepJob } from "../../lib/users/deleted_users_sweep.ts";
import { PasswordHasher } from "../../lib/users/password_hasher.ts";
import { UserStore } from "../../lib/users/user_store.ts";

Deno.test("what deleted users leave goes, again after a failure; who is still there keeps all", async () => {
  await using store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  let nowMs = 1_000_000_000_000;
  const clock = { nowMs: () => nowMs };
  const passwords = new PasswordHasher({ cost: { logN: 4, r: 8, p: 1 } });
  const announce = () => Promise.resolve();
  const users = new UserStore({ store, passwords, clock, announce });
  const create = (name: string) =>
    users.create({ name, email: `${name}@example.org`, password: name });
  await create("ada");
  const bob = await create("bob");
  const eve = await create("eve");
  await users.delete(bob.id);
  const deleted = store.dictionary<number>(keys.deletedUsers);
  // A deletion that was cut short before the record went.
  await deleted.set(eve.id, nowMs);

  const asked: string[] = [];
  let answer = () => Promise.resolve(true);
  const job = deletedUsersSweepJob({
    store,
    clock,
    deleteDataOf(userId) {
      asked.push(userId);
      return answer();
    },
  });
  const sweep = () =>
    job.sweep({
      signal: new AbortController().signal,
      deadAmong: () => Promise.resolve(new Set<string>()),
    });
  await sweep();
  assert.deepEqual(asked, [bob.id]);
  assert.notEqual(await deleted.get(bob.id), undefined, "a request may still be under way");

  nowMs += 61_000;
  answer = () => Promise.reject(new Error("the store is away"));
  await assert.rejects(sweep(), /away/);
  answer = () => Promise.resolve(false);
  await sweep();
  assert.notEqual(await deleted.get(bob.id), undefined);
  answer = () => Promise.resolve(true);
  await sweep();
  assert.deepEqual(await deleted.getMany([bob.id, eve.id]), [undefined, undefined]);
  assert.ok(!asked.includes(eve.id));
});
