import assert from "node:assert/strict";
import fc from "fast-check";
import { keys, unchecked } from "../../lib/state/key_space.ts";
import { DEFAULT_PICTURE, type UserRecord } from "../../lib/state/records.ts";
import type { StateStore } from "../../lib/state/state_store.ts";

export interface ContractStore {
  store: StateStore;
  /** Another handle on the same state, where the driver can share. */
  reopen?: () => Promise<StateStore>;
  dispose(): Promise<void>;
}

const someUser: Omit<UserRecord, "id"> = {
  email: "a@example.org",
  name: "A",
  role: "user",
  profile_image_url: DEFAULT_PICTURE,
  last_active_at: 1,
  created_at: 1,
  updated_at: 1,
};

const bytes = (...numbers: number[]) => new Uint8Array(numbers);
const code = (expected: string) => (error: unknown) =>
  (error as { code?: string }).code === expected;

/** What every driver of the shared state must do. */
export function runStateStoreContract(name: string, factory: () => Promise<ContractStore>): void {
  const test = (what: string, run: (given: ContractStore) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const given = await factory();
      try {
        await run(given);
      } finally {
        await given.dispose();
      }
    });

  test("values of every size and odd names come back whole", async ({ store: { values } }) => {
    for (const key of [["a:b", "c%"], ["a", "b:c%"], ["", "ü😀"]]) {
      for (const value of ["", 0, null, { a: "ü😀" }, "x".repeat(200 << 10), "y".repeat(5 << 20)]) {
        await values.set(key, value);
        assert.equal(JSON.stringify(await values.get(key)), JSON.stringify(value));
      }
      assert.equal(await values.setIfAbsent(key, 1), false);
      await values.delete(key);
      assert.equal(await values.get(key), undefined);
      assert.equal(await values.setIfAbsent(key, 1), true);
    }
    await values.set(["fields"], { a: 1, b: undefined });
    assert.deepEqual(await values.get(["fields"]), { a: 1 });
    assert.deepEqual(await values.getMany([["none"], ["fields"]]), [undefined, { a: 1 }]);
    await assert.rejects(values.set(["big"], "x".repeat(33 << 20)), code("too_large"));
  });

  test("names finds every value of a family, and nothing else", async ({ store }) => {
    const { values } = store;
    const ids = Array.from({ length: 450 }, (_, n) => `id ${n}%3A*`);
    await Promise.all(ids.map((id) => values.set(["fam[i]ly", id], 1)));
    await values.set(["fam[i]ly", "id 1", "below"], 1);
    await values.set(["fam[i]ly2", "id 1"], 1);
    await values.set(["fam[i]ly"], 1);
    await store.dictionary(["fam[i]ly", "dictionary"]).set("a", 1);
    const found = new Set<string>();
    for await (const page of values.names(["fam[i]ly"])) {
      for (const key of page) found.add(JSON.stringify(key));
    }
    assert.deepEqual([...found].sort(), ids.map((id) => JSON.stringify(["fam[i]ly", id])).sort());
  });

  test("500 concurrent updates of one field are all counted", async (given) => {
    const other = await given.reopen?.();
    try {
      const handles = [given.store, other ?? given.store];
      await Promise.all(
        Array.from(
          { length: 500 },
          (_, index) =>
            handles[index % 2]?.dictionary<number>(["d"]).update("n", (now = 0) => now + 1),
        ),
      );
      assert.equal(await given.store.dictionary<number>(["d"]).get("n"), 500);
    } finally {
      await other?.[Symbol.asyncDispose]();
    }
  });

  test("a set and an update of one key keep their order", async ({ store: { values } }) => {
    const add = () => values.update<number>(["n"], (now = 0) => now + 1);
    await Promise.all([add(), values.set(["n"], 10), add()]);
    assert.equal(await values.get(["n"]), 11);
  });

  test("S2: a change of what was written here last costs one round trip, and another's is not lost", async (given) => {
    const { store } = given;
    /** The store sweeps at its opening, which costs two round trips: the least of several counts. */
    const least = async (work: () => Promise<unknown>) => {
      const costs: number[] = [];
      for (let tries = 0; tries < 4; tries++) {
        const before = store.stats().roundTrips;
        await work();
        costs.push(store.stats().roundTrips - before);
      }
      return Math.min(...costs);
    };
    const key = ["uses"];
    const add = (from: StateStore, name: string) =>
      from.dictionary<string[]>(key).update("model", (names = []) => [...names, name]);
    await add(store, "a");
    assert.equal(await least(() => add(store, "b")), 1);
    await store.updateLog(["log"]).append(bytes(1));
    assert.equal(await least(() => store.updateLog(["log"]).append(bytes(2))), 1);

    const other = await given.reopen?.();
    if (!other) return;
    try {
      await add(other, "c");
      await add(store, "d");
      const names = ["a", "b", "b", "b", "b", "c", "d"];
      assert.deepEqual(await store.dictionary(key).get("model"), names);
      await other.dictionary(key).clear();
      await add(store, "e");
      assert.deepEqual(await other.dictionary(key).get("model"), ["e"]);
      await other.updateLog(["log"]).append(bytes(3));
      assert.equal(await store.updateLog(["log"]).append(bytes(4)), 7);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  test("M: what changes nothing answers for what is there, not for what was written here last", async (given) => {
    const { store } = given;
    const other = await given.reopen?.() ?? store;
    try {
      await store.values.set(["v"], "old");
      await other.values.delete(["v"]);
      assert.equal(await store.values.setIfAbsent(["v"], "new"), true);
      assert.equal(await other.values.get(["v"]), "new");

      const [set, others] = [store, other].map((one) => one.memberSet(["set"]));
      await set?.add("a", "b");
      await others?.remove("a");
      assert.deepEqual(await set?.remove("a"), { removed: 0, left: 1 });
      await others?.clear();
      assert.deepEqual(await set?.remove("b"), { removed: 0, left: 0 });

      await store.dictionary(["d"]).delete("field");
      await other.dictionary(["d"]).set("field", 1);
      assert.equal(await store.dictionary(["d"]).delete("field"), 1);
    } finally {
      if (other !== store) await other[Symbol.asyncDispose]();
    }
  });

  test("O5: a record of another shape counts as absent, and stays until it is replaced", async ({ store }) => {
    const user: UserRecord = { ...someUser, id: "u" };
    for (const odd of ["garbage", 7, null, [], {}, { ...user, role: "emperor" }]) {
      await store.values.set(unchecked(keys.user("u")), odd);
      assert.equal(await store.values.get(keys.user("u")), undefined);
      assert.deepEqual(await store.values.getMany([keys.user("u")]), [undefined]);
      assert.equal(await store.values.update(keys.user("u"), (now) => now && user), undefined);
      assert.deepEqual(await store.values.get(unchecked(keys.user("u"))), odd, "left as it is");
      assert.equal((await store.values.update(keys.user("u"), (now) => now ?? user))?.id, "u");
      assert.deepEqual(await store.values.get(keys.user("u")), user);
    }

    const pool = store.dictionary(keys.sessionPool);
    const raw = store.dictionary(unchecked(keys.sessionPool));
    await raw.setMany([["garbage", "garbage"], ["number", 3], ["old", { id: "u" }]]);
    assert.deepEqual(await pool.getMany(["garbage", "number"]), [undefined, undefined]);
    assert.deepEqual((await Array.fromAsync(pool.scan())).flat(), [
      ["old", { id: "u", name: "", last_seen_at: 0 }],
    ]);
    assert.equal(await pool.update("garbage", (now) => now), undefined);
    assert.equal(await raw.get("garbage"), "garbage");
    assert.equal(await pool.delete("garbage", "number", "none"), 2);
  });

  test("O5: what a record has beside what is known is kept, and what is missing has a default", async ({ store }) => {
    const { profile_image_url: _, ...old } = { ...someUser, id: "u" };
    await store.values.set(unchecked(keys.user("u")), { ...old, newer: [1] });
    const changed = await store.values.update(
      keys.user("u"),
      (now) => now && { ...now, name: "B" },
    );
    const expected = { ...someUser, id: "u", name: "B", newer: [1] };
    assert.deepEqual(changed, expected);
    assert.deepEqual(await store.values.get(unchecked(keys.user("u"))), expected);
  });

  test("what has expired is gone", async ({ store }) => {
    await store.values.set(["v"], 1, { ttlMs: 1 });
    const end = Date.now() + 30_000;
    while (await store.values.get(["v"]) !== undefined) assert.ok(Date.now() < end);
  });

  test("a scan sees each field once while others go", async ({ store }) => {
    const pool = store.dictionary<number>(["pool"]);
    await pool.setMany(Array.from({ length: 300 }, (_, n) => [`f:${n}%`, n] as const));
    const seen: number[] = [];
    for await (const page of pool.scan({ pageSize: 50 })) {
      seen.push(...page.map(([, value]) => value));
      await pool.delete(...page.map(([field]) => field));
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(seen.length, 300);
    assert.equal(await pool.delete("f:1%"), 0);
  });

  test("a member set counts", async ({ store }) => {
    const set = store.memberSet(["s"]);
    assert.equal(await set.add("a", "", "ü", "a"), 3);
    assert.deepEqual(await set.remove("a", "none"), { removed: 1, left: 2 });
    assert.equal(await set.has(""), true);
    assert.deepEqual((await set.members()).sort(), ["", "ü"]);
  });

  test("an index pages through equal scores both ways", async ({ store }) => {
    const index = store.sortedIndex(["i"]);
    const members = Array.from({ length: 25 }, (_, n) => ({ member: `m${n}`, score: n % 3 - 1 }));
    await index.put(...members);
    for (const descending of [false, true]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await index.page({ limit: 4, descending, cursor });
        seen.push(...page.entries.map(({ member }) => member));
        cursor = page.cursor;
      } while (cursor !== undefined);
      assert.equal(new Set(seen).size, 25);
      assert.equal(seen.length, 25);
    }
    await index.put({ member: "m0", score: 9 });
    assert.equal(await index.score("m0"), 9);
    assert.equal(await index.count({ min: 9, limit: 5 }), 1);
    await assert.rejects(index.page({ cursor: "?" }), code("invalid_payload"));
    for (const score of [NaN, Infinity, -Infinity]) {
      await assert.rejects(index.put({ member: "x", score }), code("invalid_payload"));
    }
    assert.equal(await index.count({ min: -Infinity, max: Infinity, limit: 50 }), 25);
    const all = await index.page({ min: -Infinity, max: Infinity, limit: 50 });
    assert.equal(all.entries.length, 25);
    await assert.rejects(index.page({ min: NaN }), code("invalid_payload"));
    await assert.rejects(index.count({ max: NaN, limit: 1 }), code("invalid_payload"));
  });

  test("no update is lost between append and compact", async (given) => {
    const other = await given.reopen?.();
    try {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 25 }), async (steps) => {
          const key = ["log", String(run++)];
          const logs = [given.store, other ?? given.store].map((one) => one.updateLog(key));
          const join = (parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));
          await Promise.all(steps.map((step, index) => {
            const log = logs[index % 2];
            return step === 0 ? log?.compact(2, join) : log?.append(bytes(index));
          }));
          const found = join(await logs[0]?.read() ?? []);
          const sent = steps.flatMap((step, index) => step === 0 ? [] : [index]);
          assert.deepEqual([...found].sort((a, b) => a - b), sent);
        }),
        { numRuns: 20, seed: 7 },
      );
    } finally {
      await other?.[Symbol.asyncDispose]();
    }
  });

  test("a log holds large updates in order and compacts its head", async ({ store }) => {
    const log = store.updateLog(["log"]);
    const large = new Uint8Array(200_000).fill(7);
    assert.equal(await log.append(bytes(1), large, bytes()), 3);
    assert.equal(await log.compact(4, () => bytes(9)), false);
    assert.equal(await log.compact(2, () => bytes(9)), true);
    assert.deepEqual(await log.read(), [bytes(9), bytes()]);
    await log.clear();
    assert.equal(await log.length(), 0);
  });

  test("a lock has one owner", async ({ store }) => {
    const lock = await store.acquire(["lock"], { ttlMs: 10_000 });
    assert.ok(lock);
    assert.equal(await store.acquire(["lock"], { ttlMs: 10_000 }), undefined);
    assert.equal(await lock.renew(), true);
    await lock.release();
    const next = await store.acquire(["lock"], { ttlMs: 10_000 });
    assert.ok(next);
    await lock.release();
    assert.equal(await lock.renew(), false);
    assert.equal(await next.renew(), true);
  });

  test("hits are counted", async ({ store }) => {
    const window = { windowMs: 60_000, bucketMs: 1_000 };
    assert.equal(await store.countHit(["r"], window), 1);
    assert.equal(await store.countHit(["r"], window), 2);
  });

  test("after its end every call is refused", async ({ store }) => {
    await store.ping(1_000);
    await store[Symbol.asyncDispose]();
    await assert.rejects(store.values.get(["a"]), code("unavailable"));
  });
}
