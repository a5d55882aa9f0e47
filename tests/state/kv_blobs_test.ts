import assert from "node:assert/strict";
import { KvAtomicValues } from "../../lib/state/kv_atomic_values.ts";
import { KvBlobs } from "../../lib/state/kv_blobs.ts";
import { KvClient } from "../../lib/state/kv_client.ts";
import { kvDictionary } from "../../lib/state/kv_dictionary.ts";
import { KvWriter } from "../../lib/state/kv_writer.ts";
import type { CollectionOptions } from "../../lib/state/state_store.ts";

const MINUTE_MS = 60_000;

/** Blobs over a store in memory, whose clock is the test's. */
async function openBlobs() {
  const kv = await Deno.openKv(":memory:");
  const client = new KvClient(kv);
  const writer = new KvWriter(client, { checks: 10, commitsUnderWay: 1 });
  let nowMs = 1_000_000_000_000;
  const clock = { nowMs: () => nowMs };
  const blobs = new KvBlobs(client, writer, "t", clock);
  const atomics = new KvAtomicValues(client, writer, blobs, clock);
  return {
    blobs,
    writer,
    dictionary: (options: CollectionOptions) =>
      kvDictionary<string>(client, atomics, "t", ["d"], options),
    pass: (ms: number) => nowMs += ms,
    count: async () => (await Array.fromAsync(kv.list({ prefix: [] }))).length,
    [Symbol.dispose]: () => kv.close(),
  };
}

Deno.test("M: a sweep leaves a writer ten minutes to point at its parts", async () => {
  using h = await openBlobs();
  const bytes = new Uint8Array(200_000).fill(7);
  const slow = await h.blobs.prepare(bytes);
  h.pass(9 * MINUTE_MS);
  await h.blobs.sweepLooseParts();
  assert.deepEqual(await h.blobs.load(slow.stored), bytes);
  assert.equal(await h.writer.commit(slow.attach), true);
  h.pass(60 * MINUTE_MS);
  await h.blobs.sweepLooseParts();
  assert.deepEqual(await h.blobs.load(slow.stored), bytes, "what an entry points at stays");
});

Deno.test("what nobody pointed at is swept, and its writer can't point at it any more", async () => {
  using h = await openBlobs();
  const dead = await h.blobs.prepare(new Uint8Array(200_000));
  h.pass(11 * MINUTE_MS);
  await h.blobs.sweepLooseParts();
  assert.equal(await h.blobs.load(dead.stored), undefined);
  assert.equal(await h.writer.commit(dead.attach), false);
  assert.equal(await h.count(), 0);
});

Deno.test("what is written once may be written again, whatever its size, and leaves nothing behind", async () => {
  using h = await openBlobs();
  const log = h.dictionary({ isWrittenOnce: true, ttlMs: MINUTE_MS });
  for (const size of [10, 200_000]) {
    for (let round = 0; round < 2; round++) await log.set(`${size}`, "x".repeat(size));
    assert.equal(await log.get(`${size}`), "x".repeat(size));
  }
  await log.clear();
  assert.equal(await h.count(), 0);
});
