import assert from "node:assert/strict";
import fc from "fast-check";
import { pause } from "../../lib/common/pause.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { sweepInterrupted } from "../../lib/completions/interrupted_sweep.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { seedOf } from "../support/say.ts";
import { until } from "../support/until.ts";
import { FakeMessages, type Fixture, ids, idsOf, openFixture } from "./fixture.ts";

const JOURNAL = keys.streamJournal("one");
const noted = async ({ faulty }: Pick<Fixture, "faulty">) => (await faulty.contents(JOURNAL)).size;

Deno.test("T4: many slow streams have one entry of the store for all of them, and none when they have ended", async () => {
  await using fixture = await openFixture({ log: { flushMs: 20, maxWaitMs: 60_000 } });
  const { streams, faulty } = fixture;
  const all = await Promise.all(Array.from({ length: 100 }, (_, at) => streams.begin(idsOf(at))));
  const before = faulty.written.entries;
  for (let round = 0; round < 5; round++) {
    for (const stream of all) stream.append({ content: `${round} `, reasoning: "" });
    const entries = faulty.written.entries;
    await until(() => faulty.written.entries > entries, { what: "the entry" });
  }
  const written = faulty.written.entries - before;
  assert.ok(written <= 10, `${written} entries for 500 parts`);
  assert.ok(await noted(fixture) > 0);
  await Promise.all(all.map((stream) => {
    stream.end({});
    return streams.close(stream, {});
  }));
  await until(async () => await noted(fixture) === 0, { what: "an empty journal" });
  for (const { chatId, messageId, generation } of all) {
    const log = await faulty.contents(keys.stream(chatId, messageId, generation));
    assert.deepEqual([...log.values()].flat(), ["0 ", "1 ", "2 ", "3 ", "4 "]);
  }
});

Deno.test("a stream that goes on slowly gets its own log in time, and the journal does not grow", async () => {
  await using fixture = await openFixture({ log: { flushMs: 5, maxWaitMs: 30 } });
  const stream = await fixture.streams.begin(ids);
  const log = keys.stream(ids.chatId, ids.messageId, stream.generation);
  let most = 0;
  for (let round = 0; (await fixture.faulty.contents(log)).size < 4; round++) {
    stream.append({ content: `${round} `, reasoning: "" });
    await pause(5);
    most = Math.max(most, await noted(fixture));
  }
  // The parts of thirty milliseconds, a tick each, and what is deleted with the next one.
  assert.ok(most <= 30, `${most} entries`);
  stream.end({});
  await fixture.streams.close(stream, {});
});

Deno.test("what could not be noted while the store was away is noted when it is back", async () => {
  await using faulty = await FaultyStore.open();
  await using one = await openFixture({ faulty, log: { flushMs: 5, maxWaitMs: 60_000 } });
  await using two = await openFixture({ faulty, instanceId: "two", log: { flushMs: 5 } });
  const stream = await one.streams.begin(ids);
  faulty.down = true;
  const { refused } = faulty;
  stream.append({ content: "kept ", reasoning: "" });
  await until(() => faulty.refused > refused, { what: "a refused entry" });
  stream.append({ content: "all the same", reasoning: "" });
  faulty.down = false;
  const told = async () => (await two.streams.resume(ids)).content;
  await until(async () => await told() === "kept all the same", { what: "all of it" });
  stream.end({});
  await one.streams.close(stream, {});
  await until(async () => await noted(one) === 0, { what: "an empty journal" });
});

type Step =
  | { kind: "say"; who: number; length: number }
  | { kind: "wait"; ms: number }
  | { kind: "fault"; fault: "down" | "answersLost"; of: "all" | "journal" | "log"; ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("say" as const),
      who: fc.nat(2),
      length: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(12) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("fault" as const),
      fault: fc.constantFrom("down" as const, "answersLost" as const),
      of: fc.constantFrom("all" as const, "journal" as const, "log" as const),
      ms: fc.integer({ min: 1, max: 12 }),
    }),
  },
);

/** Two instances' doors to one store. */
interface Doors extends AsyncDisposable {
  dying: FaultyStore;
  real: FaultyStore;
}

/** `waits`: for all of it to be in the store; or else it dies amid its writes, and what was told counts. */
function dieAnywhere(open: () => Promise<Doors>, numRuns: number): Promise<void> {
  const steps = fc.array(step, { minLength: 5, maxLength: 40 });
  return fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (steps, waits) => {
      await using doors = await open();
      const { dying, real } = doors;
      const messages = new FakeMessages();
      const log = { flushMs: 4, maxWaitMs: 25, batchLength: 60 };
      await using one = await openFixture({ faulty: dying, messages, log });
      await using two = await openFixture({ faulty: real, messages, instanceId: "two", log });
      const texts = ["", "", ""];
      const streams = await Promise.all(texts.map((_, at) => one.streams.begin(idsOf(at))));
      for (const [at, { generation }] of streams.entries()) {
        await messages.begin({ ...idsOf(at), generation }, { model: "m", parentId: null });
      }
      const { chatId, messageId } = idsOf(0);
      const logOf0 = keys.stream(chatId, messageId, streams[0]?.generation ?? "");
      let said = 0;
      const parts = [0, 0, 0];
      for (const step of steps) {
        if (step.kind === "wait") await pause(step.ms);
        else if (step.kind === "fault") {
          dying.only = { all: undefined, journal: JOURNAL, log: logOf0 }[step.of];
          dying[step.fault] = true;
          await pause(step.ms);
          dying[step.fault] = false;
          dying.only = undefined;
        } else {
          const content = `${said++},`.padEnd(step.length, ".");
          texts[step.who] += content;
          parts[step.who] = streams[step.who]?.append({ content, reasoning: "" }) ?? 0;
        }
      }
      const resume = (at: number) => two.streams.resume({ ...idsOf(at), after: 0 });
      const told = await until(async () => {
        const answers = await Promise.all(texts.map((_, at) => resume(at)));
        const isAll = answers.every(({ seq }, at) => seq === parts[at]);
        return isAll || !waits ? answers : undefined;
      }, { what: "all of it in the store" });
      // From here on nothing of it reaches the store, but what is under way: it is dead.
      dying.down = true;
      await pause(20);
      const sweep = () =>
        sweepInterrupted({
          store: real.store,
          messages,
          logger,
          emit: () => {},
          isAlive: () => false,
        });
      const [first, second] = await Promise.all([sweep(), sweep()]);
      assert.equal(first + second, texts.length);
      for (const [at, text] of texts.entries()) {
        const stored = messages.stored.get(`answer-${at}`)?.content ?? "";
        assert.ok(text.startsWith(stored) && stored.startsWith(told[at]?.content ?? ""), stored);
        const answer = await resume(at);
        assert.deepEqual([answer.content, answer.done], [stored, true]);
        if (waits) assert.deepEqual([stored, answer.seq], [text, (parts[at] ?? 0) + 1]);
      }
      assert.equal(await noted({ faulty: real }), 0, "the journal of the dead");
      for (const stream of streams) stream.end({ interrupted: true });
      // Nor does it try again for ever, beyond the test's end.
      dying.down = false;
      await Promise.all(streams.map(({ log }) => log.close()));
    }),
    { numRuns, seed: seedOf("journal") },
  );
}

Deno.test("T8: whenever an instance dies, all that it had written is told and stored, wherever it stands", () =>
  dieAnywhere(async () => {
    const real = await FaultyStore.open();
    const dying = new FaultyStore(real.real);
    return { dying, real, [Symbol.asyncDispose]: () => real[Symbol.asyncDispose]() };
  }, 25));

Deno.test({
  name: "T8: over Redis, all that a dead instance had written is told and stored",
  ignore: !redisAvailable(),
  async fn() {
    await using server = await RedisServer.start();
    await dieAnywhere(async () => {
      const keyPrefix = crypto.randomUUID();
      const open = async () =>
        new FaultyStore(await openRedisStore({ url: server.url, keyPrefix, logger }));
      const [dying, real] = [await open(), await open()];
      const close = async () => {
        await dying[Symbol.asyncDispose]();
        await real[Symbol.asyncDispose]();
      };
      return { dying, real, [Symbol.asyncDispose]: close };
    }, 15);
  },
});
