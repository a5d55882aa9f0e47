import assert from "node:assert/strict";
import type { JournalEntry } from "../../lib/completions/stream_records.ts";
import { keys } from "../../lib/state/key_space.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { until } from "../support/until.ts";
import { type Fixture, ids, idsOf, openFixture } from "./fixture.ts";

const JOURNAL = keys.streamJournal("one");
const noted = ({ faulty }: Pick<Fixture, "faulty">) => faulty.contents<JournalEntry>(JOURNAL);

Deno.test("a part without letters is noted like any other", async () => {
  await using fixture = await openFixture({ log: { flushMs: 5, maxWaitMs: 60_000 } });
  const stream = await fixture.streams.begin(ids);
  stream.append({ content: "thought ", reasoning: "" });
  await until(async () => (await noted(fixture)).size === 1, { what: "the first entry" });
  stream.append({ content: "", reasoning: "", wasReasoning: true });
  await until(async () => (await noted(fixture)).size === 2, { what: "the second entry" });
  stream.end({});
  await fixture.streams.close(stream, {});
});

Deno.test("an entry of the journal is one value of the store, however short the parts", async () => {
  await using fixture = await openFixture({ log: { flushMs: 50, maxWaitMs: 60_000 } });
  const { streams } = fixture;
  const all = await Promise.all(Array.from({ length: 1_200 }, (_, at) => streams.begin(idsOf(at))));
  const say = () => {
    for (const stream of all) stream.append({ content: "字", reasoning: "" });
  };
  for (let part = 0; part < 8; part++) say();
  const parts = async () =>
    [...(await noted(fixture)).values()].flatMap((entry) =>
      Object.values(entry).flatMap(([, batch]) => batch)
    ).length;
  await until(async () => await parts() === 8 * all.length, { what: "all of it" });
  const encoder = new TextEncoder();
  for (const entry of (await noted(fixture)).values()) {
    const bytes = encoder.encode(JSON.stringify(entry)).length;
    assert.ok(bytes <= 60_000, `${bytes} bytes`);
  }
  await Promise.all(all.map((stream) => {
    stream.end({});
    return streams.close(stream, {});
  }));
});

Deno.test("an entry whose answer was lost stays until its text stands elsewhere", async () => {
  await using fixture = await openFixture({ log: { flushMs: 5, maxWaitMs: 60_000 } });
  const { faulty, streams } = fixture;
  const stream = await streams.begin(ids);
  faulty.answersLost = true;
  stream.append({ content: "kept", reasoning: "" });
  await until(async () => (await noted(fixture)).size > 0, { what: "the entry" });
  const [first] = [...(await noted(fixture)).keys()];
  await until(async () => (await noted(fixture)).size > 1, { what: "the next one" });
  assert.ok(first !== undefined && (await noted(fixture)).has(first));
  faulty.answersLost = false;
  stream.end({});
  await streams.close(stream, {});
  await until(async () => (await noted(fixture)).size === 0, { what: "an empty journal" });
});

for (const fault of ["down", "hung"] as const) {
  Deno.test(`a journal that is ${fault} does not keep a stream's own log from being written`, async () => {
    const maxWaitMs = fault === "down" ? 60_000 : 30;
    await using fixture = await openFixture({ log: { flushMs: 5, maxWaitMs } });
    const { faulty, streams } = fixture;
    const stream = await streams.begin(ids);
    const log = keys.stream(ids.chatId, ids.messageId, stream.generation);
    faulty.only = JOURNAL;
    faulty[fault] = true;
    stream.append({ content: "a ", reasoning: "" });
    await until(async () => (await faulty.contents(log)).size === 1, { what: "the first batch" });
    stream.append({ content: "b ", reasoning: "" });
    await until(async () => (await faulty.contents(log)).size === 2, { what: "the second batch" });
    faulty[fault] = false;
    stream.end({});
    await streams.close(stream, {});
    await until(async () => (await noted(fixture)).size === 0, { what: "an empty journal" });
  });
}

Deno.test("a stop does not wait for a journal that hangs", async () => {
  await using faulty = await FaultyStore.open();
  const fixture = await openFixture({ faulty, log: { flushMs: 5, maxWaitMs: 60_000 } });
  const stream = await fixture.streams.begin(ids);
  stream.append({ content: "a ", reasoning: "" });
  await until(async () => (await noted(fixture)).size === 1, { what: "the entry" });
  faulty.only = JOURNAL;
  faulty.hung = true;
  stream.append({ content: "b ", reasoning: "" });
  stream.end({});
  await fixture.streams.close(stream, {});
  const start = performance.now();
  const stopping = Promise.resolve(fixture[Symbol.asyncDispose]());
  await until(() => stopping.then(() => true), { what: "the stop" });
  assert.ok(performance.now() - start < 5_000);
  faulty.hung = false;
});
