/** What a KV Connect server needs of its clients, shown on a database in memory. */
import assert from "node:assert/strict";
import { systemClock } from "../../lib/common/clock.ts";
import { KvBlobs } from "../../lib/state/kv_blobs.ts";
import { KvAtomicValues } from "../../lib/state/kv_atomic_values.ts";
import { KvClient } from "../../lib/state/kv_client.ts";
import { kvAcquire } from "../../lib/state/kv_lock.ts";
import { KvWriter } from "../../lib/state/kv_writer.ts";
import { over, withCommits } from "../support/kv_faults.ts";
import { until } from "../support/until.ts";

Deno.test("no commit has more checks than the server takes, and all changes are made", async () => {
  using kv = await Deno.openKv(":memory:");
  const counted: number[] = [];
  let underWay = 0, most = 0;
  const client = new KvClient(withCommits(kv, async (run, checks) => {
    counted.push(checks);
    most = Math.max(most, ++underWay);
    const result = await run();
    underWay--;
    return result;
  }));
  const writer = new KvWriter(client, { checks: 10, commitsUnderWay: 3 });
  const written = await Promise.all(Array.from({ length: 95 }, (_, n) => {
    const key = ["k", n];
    return writer.commit({
      checks: [{ key, versionstamp: null }],
      sets: [{ key, value: n, bytes: 8 }],
    });
  }));
  assert.ok(written.every(Boolean));
  assert.equal((await Array.fromAsync(kv.list({ prefix: ["k"] }))).length, 95);
  assert.ok(Math.max(...counted) <= 10, `${Math.max(...counted)} checks in a commit`);
  assert.equal(most, 3);
});

Deno.test("a server that is away is not asked by more and more; then all are answered", async () => {
  using kv = await Deno.openKv(":memory:");
  const away = Promise.withResolvers<void>();
  let asked = 0;
  const client = new KvClient(
    over(kv, {
      async getMany(...args) {
        asked++;
        await away.promise;
        return await kv.getMany(...args);
      },
    } as Partial<Deno.Kv>),
    { callsUnderWay: 4 },
  );
  // Ten keys a call.
  const all = Promise.all(Array.from({ length: 200 }, (_, n) => client.get(["k", n])));
  await until(() => asked === 4, { what: "the first calls" });
  const late = await Promise.race([all, client.ping(["t"], 50).catch((error) => error.code)]);
  assert.equal(late, "unavailable");
  assert.equal(asked, 4);
  away.resolve();
  assert.equal((await all).length, 200);
  assert.equal(asked, 20);
});

Deno.test("a server that asks for patience is asked again", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(["k"], 1);
  let refusals = 3;
  const busy = "KV Connect failed to call '…' (status=429 Too Many Requests): slow down";
  const client = new KvClient(over(kv, {
    getMany: (...args) => refusals-- > 0 ? Promise.reject(new Error(busy)) : kv.getMany(...args),
  } as Partial<Deno.Kv>));
  assert.equal((await client.get(["k"])).value, 1);
  assert.equal(refusals, -1);
});

Deno.test("a lock whose answer was lost, so that its commit was repeated, is held", async () => {
  using kv = await Deno.openKv(":memory:");
  let isFirst = true;
  const client = new KvClient(withCommits(kv, async (run) => {
    if (isFirst) await run();
    isFirst = false;
    return await run();
  }));
  const writer = new KvWriter(client, { checks: 10, commitsUnderWay: 8 });
  const blobs = new KvBlobs(client, writer, "t", systemClock);
  const atomics = new KvAtomicValues(client, writer, blobs, systemClock);
  const acquire = () => kvAcquire(atomics, systemClock, ["lock"], 60_000);
  const lock = await acquire();
  assert.equal(await acquire(), undefined);
  assert.equal(await lock?.renew(), true);
  await lock?.release();
  assert.ok(await acquire());
});
