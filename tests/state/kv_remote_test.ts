/** What a KV Connect server needs of its clients, shown on a database in memory. */
import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { systemClock } from "../../lib/common/clock.ts";
import { KvBlobs } from "../../lib/state/kv_blobs.ts";
import { KvAtomicValues } from "../../lib/state/kv_atomic_values.ts";
import { KvClient } from "../../lib/state/kv_client.ts";
import { kvAcquire } from "../../lib/state/kv_lock.ts";
import { ProcessPubSub } from "../../lib/state/kv_pubsub.ts";
import { KvRelay } from "../../lib/state/kv_relay.ts";
import { KvRelayLog } from "../../lib/state/kv_relay_log.ts";
import { KvWriter } from "../../lib/state/kv_writer.ts";
import { until } from "../support/until.ts";

/** `target` with some of its methods replaced. */
function over<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(of, name) {
      const member: unknown = Reflect.get(replaced, name) ?? Reflect.get(of, name, of);
      return typeof member === "function" ? member.bind(of) : member;
    },
  });
}

/** A database whose commits pass `commit`, which is told how many checks they have. */
function withCommits(
  kv: Deno.Kv,
  commit: (
    run: () => ReturnType<Deno.AtomicOperation["commit"]>,
    checks: number,
  ) => ReturnType<Deno.AtomicOperation["commit"]>,
): Deno.Kv {
  return over(kv, {
    atomic() {
      const atomic = kv.atomic();
      let checks = 0;
      const wrapped: Deno.AtomicOperation = over(atomic, {
        check: (...added) => (checks += added.length, atomic.check(...added), wrapped),
        set: (key, value, options) => (atomic.set(key, value, options), wrapped),
        delete: (key) => (atomic.delete(key), wrapped),
        commit: () => commit(() => atomic.commit(), checks),
      });
      return wrapped;
    },
  });
}

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
  const late = await Promise.race([all, client.ping(50).catch((error) => error.code)]);
  assert.equal(late, "unavailable");
  assert.equal(asked, 4);
  away.resolve();
  assert.equal((await all).length, 200);
  assert.equal(asked, 21);
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
  const acquire = () => kvAcquire(atomics, ["lock"], 60_000);
  const lock = await acquire();
  assert.equal(await acquire(), undefined);
  assert.equal(await lock?.renew(), true);
  await lock?.release();
  assert.ok(await acquire());
});

Deno.test("a commit that was given up, and is carried out after the next, does not set the log back", async () => {
  using kv = await Deno.openKv(":memory:");
  let late: (() => Promise<unknown>) | undefined;
  let losesNext = false;
  const client = new KvClient(withCommits(kv, (run) => {
    if (!losesNext) return run();
    losesNext = false;
    late = run;
    return Promise.reject(new Error("no answer"));
  }));
  const log = new KvRelayLog(client, "t");
  const reader = new KvRelayLog(new KvClient(kv), "t");
  const read = async () => {
    const [head] = await reader.heads();
    return {
      last: head?.last,
      texts: (await reader.read(log.writer, 0, head?.last ?? 0)).map(({ text }) => text),
    };
  };
  await log.append("c", "one");
  losesNext = true;
  await assert.rejects(log.append("c", "two"), { code: "unavailable" });
  await log.append("c", "three");
  await late?.();
  assert.deepEqual(await read(), { last: 3, texts: ["one", "three"] });
  // As much as when the lost commit was made at once.
  losesNext = true;
  await assert.rejects(log.append("c", "four"), { code: "unavailable" });
  await late?.();
  await log.append("c", "five");
  assert.deepEqual(await read(), { last: 5, texts: ["one", "three", "four", "five"] });
});

Deno.test("a watch that has fallen silent is replaced", async () => {
  using kv = await Deno.openKv(":memory:");
  let watches = 0;
  const deafAtFirst = over(kv, {
    watch: ((keys: Deno.KvKey[]) =>
      ++watches > 1 ? kv.watch(keys) : new ReadableStream()) as Deno.Kv["watch"],
  });
  const relayOn = (on: Deno.Kv) => {
    const pubsub = new ProcessPubSub(logger);
    const client = new KvClient(on);
    return {
      pubsub,
      relay: new KvRelay({
        client,
        openWatched: () => Promise.resolve(over(on, { close: () => {} })),
        prefix: "t",
        pubsub,
        logger,
        isRemote: true,
      }),
    };
  };
  const { relay: deaf, pubsub } = relayOn(deafAtFirst);
  const { relay: other } = relayOn(kv);
  await using stack = new AsyncDisposableStack();
  const heard: { text: string; atMs: number }[] = [];
  pubsub.subscribe("c", {
    onMessage: (text) => heard.push({ text, atMs: performance.now() }),
  });
  await deaf.start();
  stack.use(deaf);
  await other.start();
  stack.use(other);
  await other.publish("c", "unheard");
  await until(() => heard.length === 1, { what: "what only asking brings", limitMs: 7_000 });
  await until(() => watches === 2, { what: "a new watch" });
  await until(() => !deaf.isPushed, { what: "the doubt" });
  await other.publish("c", "heard");
  await until(() => deaf.isPushed, { what: "the watch to tell" });
  await until(() => heard.length === 2, { what: "what the new watch tells" });
  assert.deepEqual(heard.map(({ text }) => text), ["unheard", "heard"]);
});
