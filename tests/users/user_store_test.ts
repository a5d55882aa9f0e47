import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { User } from "../../lib/protocol/user.ts";
import { keys, unchecked } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { PasswordHasher } from "../../lib/users/password_hasher.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { until } from "../support/until.ts";
import { type UserChange, UserStore, type UserStoreOptions } from "../../lib/users/user_store.ts";

const passwords = new PasswordHasher({ cost: { logN: 4, r: 8, p: 1 } });

async function openFixture(more: Partial<UserStoreOptions> = {}) {
  const store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  const told: UserChange[] = [];
  let nowMs = 1_000_000_000_000;
  const clock = { nowMs: () => nowMs };
  const open = () =>
    new UserStore({
      store,
      passwords,
      clock,
      announce: (change) => Promise.resolve(void told.push(change)),
      ...more,
    });
  return {
    store,
    told,
    open,
    users: open(),
    pass: (ms: number) => nowMs += ms,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

const person = (name: string) => ({ name, email: `${name}@example.org`, password: `of ${name}` });

Deno.test("the first is the admin, the next ones wait", async () => {
  await using h = await openFixture();
  assert.equal((await h.users.create(person("ada"))).role, "admin");
  assert.equal((await h.users.create(person("eve"))).role, "pending");
});

Deno.test("20 sign-ups at once on two instances: one admin", async () => {
  await using h = await openFixture();
  const instances = [h.open(), h.open()];
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, n) => instances[n % 2]?.create(person(`u${n}`))),
  );
  assert.equal(all.filter((user) => user?.role === "admin").length, 1);
  assert.equal((await h.users.page()).users.length, 20);
});

Deno.test("20 sign-ups with one address at once: one user", async () => {
  await using h = await openFixture();
  const all = await Promise.allSettled(
    Array.from(
      { length: 20 },
      (_, n) =>
        h.users.create({ ...person("ada"), email: n % 2 ? "Ada@Example.org" : " ada@example.org" }),
    ),
  );
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 1);
  for (const one of all) if (one.status === "rejected") assert.equal(one.reason.code, "conflict");
  const { users } = await h.users.page();
  assert.deepEqual(users.map(({ role }) => role), ["admin"]);
});

Deno.test("claims of a sign-up that was cut short can be taken over, later and not at once", async () => {
  await using h = await openFixture();
  const claim = { id: "ghost", claimed_at_ms: 1_000_000_000_000 };
  await h.store.values.set(keys.userByEmail("ada@example.org"), claim);
  await h.store.values.set(keys.firstUser, claim);
  await assert.rejects(h.users.create(person("ada")), { code: "conflict" });
  h.pass(31_000);
  const [one, other] = await Promise.allSettled([
    h.users.create(person("ada")),
    h.users.create(person("ada")),
  ]);
  assert.deepEqual([one.status, other.status].sort(), ["fulfilled", "rejected"]);
  assert.equal((await h.users.authenticate("ada@example.org", "of ada"))?.role, "admin");
});

Deno.test("that the first has left makes nobody an admin", async () => {
  await using h = await openFixture({ defaultRole: "user" });
  const first = await h.users.create(person("ada"));
  const second = await h.users.create(person("bob"));
  await h.users.update(second.id, { role: "admin" });
  await h.users.delete(first.id);
  h.pass(3_600_000);
  assert.equal((await h.users.create(person("eve"))).role, "user");
});

Deno.test("with sign-up closed only the first comes in", async () => {
  await using h = await openFixture();
  const all = await Promise.allSettled(
    ["ada", "bob", "eve"].map((name) => h.users.create(person(name), { onlyFirst: true })),
  );
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 1);
  await assert.rejects(h.users.create(person("joe"), { onlyFirst: true }), { code: "forbidden" });
  assert.equal((await h.users.page()).users.length, 1);
  assert.equal((await h.users.create(person("joe"))).role, "pending");
});

Deno.test("address and password together are the user; neither alone, and no hash comes out", async () => {
  await using h = await openFixture();
  const ada = await h.users.create(person("ada"));
  const found = await h.users.authenticate(" ADA@example.org", "of ada");
  assert.deepEqual(found, ada);
  assert.equal(await h.users.authenticate("ada@example.org", "of bob"), undefined);
  assert.equal(await h.users.authenticate("bob@example.org", "of ada"), undefined);
  const seen = [ada, found, await h.users.get(ada.id), ...(await h.users.page()).users];
  assert.ok(!JSON.stringify(seen).includes("scrypt"));
});

Deno.test("an old hash is replaced at the next sign-in", async () => {
  await using h = await openFixture();
  const { id } = await h.users.create(person("ada"));
  const stronger = new PasswordHasher({ cost: { logN: 5, r: 8, p: 1 } });
  const later = new UserStore({
    store: h.store,
    passwords: stronger,
    announce: () => Promise.resolve(),
  });
  assert.ok(await later.authenticate("ada@example.org", "of ada"));
  const record = await h.store.values.get(keys.user(id));
  assert.match(record?.password_hash ?? "", /ln=5/);
  assert.ok(await later.authenticate("ada@example.org", "of ada"));
});

Deno.test("pages hold everybody once, and what is left of a dead sign-up goes", async () => {
  await using h = await openFixture();
  await h.store.sortedIndex(keys.users).put({ member: "ghost", score: 1 });
  for (let n = 0; n < 7; n++) {
    await h.users.create(person(`u${n}`));
    h.pass(1_000);
  }
  const seen: User[] = [];
  let cursor: string | undefined;
  do {
    const page = await h.users.page({ limit: 3, cursor });
    seen.push(...page.users);
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(seen.map(({ name }) => name), ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]);
  assert.equal(await h.store.sortedIndex(keys.users).score("ghost"), undefined);
});

Deno.test("the last admin stays, even when two demote each other at once", async () => {
  await using h = await openFixture();
  const ada = await h.users.create(person("ada"));
  await assert.rejects(h.users.update(ada.id, { role: "user" }), { code: "conflict" });
  await assert.rejects(h.users.delete(ada.id), { code: "conflict" });
  const bob = await h.users.create(person("bob"));
  await h.users.update(bob.id, { role: "admin" });
  const all = await Promise.allSettled([
    h.open().update(ada.id, { role: "user" }),
    h.open().delete(bob.id),
  ]);
  assert.deepEqual(all.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const { users } = await h.users.page();
  assert.equal(users.filter(({ role }) => role === "admin").length, 1);
});

Deno.test("O5: a user whose record can't be read stays in the list, and keeps the address", async () => {
  await using h = await openFixture();
  await h.users.create(person("ada"));
  // The list goes by the second of the sign-up.
  h.pass(1_000);
  const bob = await h.users.create(person("bob"));
  const [at, claimAt] = [keys.user(bob.id), keys.userByEmail(bob.email)];
  const [record, claim] = [await h.store.values.get(at), await h.store.values.get(claimAt)];
  for (const key of [at, claimAt]) await h.store.values.set(unchecked(key), "garbage");
  h.pass(3_600_000);
  assert.deepEqual((await h.users.page()).users.map(({ name }) => name), ["ada"]);
  await assert.rejects(h.users.create(person("bob")), { code: "conflict" });
  await h.store.values.set(unchecked(at), record);
  await h.store.values.set(unchecked(claimAt), claim);
  assert.deepEqual((await h.users.page()).users.map(({ name }) => name), ["ada", "bob"]);
  assert.equal((await h.users.authenticate(bob.email, "of bob"))?.id, bob.id);
});

Deno.test("M: who has lost the lock in a long pause neither demotes nor deletes an admin", async () => {
  await using faulty = await FaultyStore.open();
  const announce = () => Promise.resolve();
  const users = new UserStore({ store: faulty.store, passwords, announce });
  const ada = await users.create(person("ada"));
  const bob = await users.create(person("bob"));
  await users.update(bob.id, { role: "admin" });
  for (const change of [() => users.update(ada.id, { role: "user" }), () => users.delete(ada.id)]) {
    faulty.lastLease = undefined;
    faulty.slowMs = 100;
    const refused = assert.rejects(change, { code: "unavailable" });
    const lock = await until(() => faulty.lastLease, { what: "the lock to be held" });
    await lock.release();
    await refused;
    faulty.slowMs = 0;
    assert.equal((await faulty.real.values.get(keys.user(ada.id)))?.role, "admin");
  }
});

Deno.test("changes of a role are told once, other changes not", async () => {
  await using h = await openFixture();
  await h.users.create(person("ada"));
  const { id } = await h.users.create(person("bob"));
  await h.users.update(id, { name: "Bob", role: "pending" });
  assert.deepEqual(h.told, []);
  await h.users.update(id, { role: "user" });
  await h.users.delete(id);
  assert.deepEqual(h.told, [
    { type: "role_changed", user_id: id, role: "user" },
    { type: "user_deleted", user_id: id },
  ]);
  assert.equal(await h.users.get(id), undefined);
  await assert.rejects(h.users.update(id, { name: "B" }), { code: "not_found" });
  await assert.rejects(h.users.delete(id), { code: "not_found" });
});

Deno.test("an address that was left is free, one that is taken is not", async () => {
  await using h = await openFixture();
  const ada = await h.users.create(person("ada"));
  await h.users.create(person("bob"));
  await assert.rejects(h.users.update(ada.id, { email: "bob@example.org" }), { code: "conflict" });
  await h.users.update(ada.id, { email: "Countess@example.org" });
  assert.equal((await h.users.authenticate("countess@example.org", "of ada"))?.id, ada.id);
  assert.equal(await h.users.authenticate("ada@example.org", "of ada"), undefined);
  const next = await h.users.create(person("ada"));
  await h.users.delete(next.id);
  await h.users.create(person("ada"));
});

Deno.test("a user is read once for many, and again after a change is heard", async () => {
  await using h = await openFixture();
  const { id } = await h.users.create(person("ada"));
  await h.users.get(id);
  const before = h.store.stats().roundTrips;
  await Promise.all(Array.from({ length: 100 }, () => h.users.get(id)));
  assert.equal(h.store.stats().roundTrips, before);
  await h.open().update(id, { name: "Ada" });
  assert.equal((await h.users.get(id))?.name, "ada");
  h.users.forget(id);
  assert.equal((await h.users.get(id))?.name, "Ada");
  await h.open().update(id, { name: "Countess" });
  h.pass(5_001);
  assert.equal((await h.users.get(id))?.name, "Countess");
});
