import assert from "node:assert/strict";
import fc from "fast-check";
import { yieldToEvents } from "../../lib/common/pause.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { seedOf } from "../support/say.ts";
import { until } from "../support/until.ts";
import { ids, openFixture } from "./fixture.ts";

/** Streams parts on one instance and comes back, there and at another, wherever and whenever. */
async function resumeAnywhere(first: FaultyStore, second: FaultyStore, numRuns: number) {
  const text = fc.array(fc.string({ unit: "binary", minLength: 1 }), {
    minLength: 1,
    maxLength: 30,
  });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(text, fc.nat(30), fc.nat(35), fc.boolean(), async (parts, at, seen, ends) => {
      const run = { ...ids, chatId: `chat-${runs++}` };
      await using one = await openFixture({
        faulty: first,
        graceMs: 30_000,
        log: { flushMs: 0, batchLength: 20 },
      });
      await using two = await openFixture({
        faulty: second,
        instanceId: "two",
        log: { flushMs: 0 },
      });
      const stream = await one.streams.begin(run);
      const streamed = parts.slice(0, at + 1);
      for (const content of streamed) stream.append({ content, reasoning: "r" });
      const after = Math.min(seen, streamed.length + 1);
      const rest = streamed.slice(after).join("");
      const local = await one.streams.resume({ userId: run.userId, chatId: run.chatId, after });
      assert.deepEqual([local.content, local.seq, local.active], [rest, streamed.length, true]);
      await stream.log.close();
      if (ends) {
        stream.end({});
        await one.streams.close(stream, {});
      }
      const { generation } = stream;
      const remote = await two.streams.resume({ ...run, after, generation });
      assert.equal(remote.content, rest);
      assert.equal(remote.reasoning ?? "", "r".repeat(streamed.slice(after).length));
      assert.deepEqual([remote.done, remote.seq], [ends, streamed.length + (ends ? 1 : 0)]);
      const other = await two.streams.resume({ ...run, after, generation: "another" });
      assert.equal(other.content, streamed.join(""));
      if (!ends) await one.streams.close(stream, { interrupted: true });
    }),
    { numRuns, seed: seedOf("resume") },
  );
}

Deno.test("T6: resumed at any point, here or at another instance, the text is equal to the byte", async () => {
  await using faulty = await FaultyStore.open();
  await resumeAnywhere(faulty, faulty, 40);
});

Deno.test({
  name: "T6: over Redis, two instances with connections of their own resume to the byte",
  ignore: !redisAvailable(),
  async fn() {
    await using server = await RedisServer.start();
    await using first = new FaultyStore(await openRedisStore({ url: server.url, logger }));
    await using second = new FaultyStore(await openRedisStore({ url: server.url, logger }));
    await resumeAnywhere(first, second, 25);
    await followLive(first, second);
  },
});

/** Leaves and comes back at another instance while the answer runs on: nothing lost, nothing twice. */
async function followLive(first: FaultyStore, second: FaultyStore): Promise<void> {
  const log = { flushMs: 20, batchLength: 64 };
  await using one = await openFixture({ faulty: first, log });
  await using two = await openFixture({ faulty: second, instanceId: "two", log });
  const stream = await one.streams.begin(ids);
  const tokens = Array.from({ length: 1_000 }, (_, at) => `token${at} `);
  let emitted = 0;
  const streaming = setInterval(() => {
    for (const content of tokens.slice(emitted, emitted + 20)) {
      emitted = stream.append({ content, reasoning: "" });
    }
  }, 5);
  try {
    for (let seen = 0; seen < tokens.length;) {
      const emittedBefore = emitted;
      const { content, seq } = await two.streams.resume({ ...ids, after: seen });
      assert.equal(content, tokens.slice(seen, seq).join(""));
      assert.ok(seq >= emittedBefore, `seq ${seq}, though ${emittedBefore} had been emitted`);
      seen = seq;
    }
  } finally {
    clearInterval(streaming);
  }
  stream.end({});
  await one.streams.close(stream, {});
}

Deno.test("nothing is known of a chat without a stream", async () => {
  await using fixture = await openFixture();
  const answer = await fixture.streams.resume({ userId: "ada", chatId: "unknown", after: 5 });
  assert.deepEqual(answer, { active: false, seq: 0, content: "", done: false });
});

Deno.test("after the grace nothing is left, in memory or in the store", async () => {
  await using fixture = await openFixture({ graceMs: 1_500 });
  const stream = await fixture.streams.begin({ ...ids, taskId: "task" });
  stream.append({ content: "x".repeat(5_000), reasoning: "" });
  await until(async () => (await fixture.faulty.contents(keys.responseStreams)).size === 1, {
    what: "Open WebUI's own record",
  });
  stream.end({});
  await fixture.streams.close(stream, {});
  assert.equal((await fixture.streams.resume({ ...ids })).content.length, 5_000);
  await until(() => fixture.streams.size === 0, { what: "the end of the grace" });
  const head = keys.streamHead(ids.chatId, ids.messageId);
  await until(async () => await fixture.faulty.real.values.get(head) === undefined);
  const log = keys.stream(ids.chatId, ids.messageId, stream.generation);
  await until(async () => (await fixture.faulty.contents(log)).size === 0, { what: "no log" });
  const journal = keys.streamJournal("one");
  await until(async () => (await fixture.faulty.contents(journal)).size === 0, {
    what: "no journal",
  });
  assert.equal((await fixture.faulty.contents(keys.responseStreams)).size, 0);
  assert.equal((await fixture.faulty.contents(keys.streams)).size, 0);
});

Deno.test("a stream whose message is generated again at another instance ends at once", async () => {
  await using faulty = await FaultyStore.open();
  await using one = await openFixture({ faulty });
  const alerted: string[] = [];
  await using two = await openFixture({
    ...{ faulty, instanceId: "two", messages: one.messages },
    alertOwner(instanceId, which) {
      alerted.push(instanceId);
      void one.streams.lookAgain(which);
    },
  });
  const older = await one.streams.begin(ids);
  await one.messages.begin({ ...ids, generation: older.generation }, {
    model: "m",
    parentId: null,
  });
  await one.streams.lookAgain(ids);
  assert.equal(older.superseded.aborted, false, "it is still the newest");
  const newer = await two.streams.begin(ids);
  await two.messages.begin({ ...ids, generation: newer.generation }, {
    model: "m",
    parentId: null,
  });
  two.streams.begun(newer);
  assert.deepEqual(alerted, ["one"]);
  await until(() => older.superseded.aborted, { what: "the older one to end" });
  for (const [streams, stream] of [[one.streams, older], [two.streams, newer]] as const) {
    stream.end({});
    await streams.close(stream, {});
  }
});

Deno.test("streams beyond the bound are refused", async () => {
  await using fixture = await openFixture({ maxRunning: 1 });
  const stream = await fixture.streams.begin(ids);
  await assert.rejects(fixture.streams.begin({ ...ids, messageId: "b" }), { code: "unavailable" });
  stream.end({});
  await fixture.streams.close(stream, {});
});

Deno.test("T6: who comes back while an ended answer goes from memory to the store has all of it", async () => {
  await using fixture = await openFixture({ log: { flushMs: 0 } });
  const { streams } = fixture;
  const stream = await streams.begin(ids);
  stream.append({ content: "Hello world", reasoning: "" });
  stream.end({});
  let isClosed = false;
  const closing = streams.close(stream, {}).finally(() => isClosed = true);
  const asked: Promise<{ content: string }>[] = [];
  // One at every turn on the way.
  while (!isClosed && asked.length < 10_000) {
    asked.push(streams.resume(ids));
    await yieldToEvents();
  }
  await closing;
  asked.push(streams.resume(ids));
  const contents = new Set((await Promise.all(asked)).map(({ content }) => content));
  assert.deepEqual([...contents], ["Hello world"]);
});

Deno.test("T6: an answer whose instance does not answer is told as lost, and not as lost when it does", async () => {
  await using faulty = await FaultyStore.open();
  await using one = await openFixture({ faulty, log: { flushMs: 0 } });
  let isThere = false;
  await using two = await openFixture({
    ...{ faulty, instanceId: "two", log: { flushMs: 0 } },
    askOwner: (_, query) => Promise.resolve(isThere ? one.streams.resumeHere(query) : undefined),
  });
  const stream = await one.streams.begin(ids);
  stream.append({ content: "so far", reasoning: "" });
  await stream.log.close();
  const lost = await two.streams.resume(ids);
  assert.deepEqual([lost.lost, lost.active, lost.content], [true, true, "so far"]);
  isThere = true;
  assert.equal((await two.streams.resume(ids)).lost, undefined);
  stream.end({ interrupted: true });
  await one.streams.close(stream, { interrupted: true });
  isThere = false;
  assert.deepEqual(
    [(await two.streams.resume(ids)).lost],
    [undefined],
    "what has ended is not lost",
  );
});
