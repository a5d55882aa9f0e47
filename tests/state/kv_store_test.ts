import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { runStateStoreContract } from "./state_store_contract.ts";

runStateStoreContract("kv memory", async () => {
  const store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  return { store, dispose: () => Promise.resolve(store[Symbol.asyncDispose]()) };
});

runStateStoreContract("kv file", async () => {
  const dir = await Deno.makeTempDir();
  const reopen = () => openKvStore({ path: `${dir}/kv`, keyPrefix: "t", logger });
  const store = await reopen();
  const dispose = async () => {
    await store[Symbol.asyncDispose]();
    await Deno.remove(dir, { recursive: true });
  };
  return { store, reopen, dispose };
});

Deno.test("2,000 concurrent sets share round trips", async () => {
  await using store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  const before = store.stats().roundTrips;
  await Promise.all(Array.from({ length: 2_000 }, (_, n) => store.values.set(["v", `${n}`], n)));
  assert.ok(store.stats().roundTrips - before < 300);
});

Deno.test("large values leave no parts behind", async () => {
  const dir = await Deno.makeTempDir();
  {
    await using store = await openKvStore({ path: `${dir}/kv`, keyPrefix: "t", logger });
    await store.values.set(["v"], "x".repeat(200_000));
    await store.values.set(["v"], "y".repeat(300_000));
    await store.values.delete(["v"]);
  }
  const kv = await Deno.openKv(`${dir}/kv`);
  const left = await Array.fromAsync(kv.list({ prefix: ["t"] }));
  kv.close();
  await Deno.remove(dir, { recursive: true });
  assert.deepEqual(left, []);
});

Deno.test("what a crashed writer left is swept at the opening", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/kv`;
  const before = await Deno.openKv(path);
  await before.set(["t", "loose", "g"], { parts: 1, since: 1 });
  await before.set(["t", "part", "g", 0], new Uint8Array(9));
  before.close();
  {
    await using _ = await openKvStore({ path, keyPrefix: "t", logger });
  }
  const after = await Deno.openKv(path);
  const left = await Array.fromAsync(after.list({ prefix: ["t"] }));
  after.close();
  await Deno.remove(dir, { recursive: true });
  assert.deepEqual(left, []);
});

Deno.test("O5: entries that another program wrote into the file count as absent", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/kv`;
  const at = JSON.stringify(["k"]);
  const odd = ["garbage", 7, {}, { bytes: "no" }, { expiresAt: 0, bytes: new Uint8Array([123]) }];
  for (const entry of odd) {
    const before = await Deno.openKv(path);
    for (const kind of ["value", "set", "lock", "rate"]) await before.set(["t", kind, at], entry);
    before.close();
    await using store = await openKvStore({ path, keyPrefix: "t", logger });
    const isText = entry === odd.at(-1);
    assert.equal(await store.values.get(["k"]), isText ? "{" : undefined);
    assert.deepEqual(await store.memberSet(["k"]).members(), []);
    assert.equal(await store.memberSet(["k"]).add("a"), 1);
    assert.equal(await store.countHit(["k"], { windowMs: 60_000, bucketMs: 1_000 }), 1);
    await store.values.set(["k"], 1);
    assert.equal(await store.values.get(["k"]), 1);
  }
  await Deno.remove(dir, { recursive: true });
});
