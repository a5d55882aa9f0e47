import assert from "node:assert/strict";
import { AppError } from "../../lib/common/errors.ts";
import { runGeneration } from "../../lib/completions/generation.ts";
import type { CompletionChunk } from "../../lib/completions/model_provider.ts";
import { pause } from "../../lib/common/pause.ts";
import { sweepInterrupted } from "../../lib/completions/interrupted_sweep.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";
import { type Fixture, ids, openFixture, providerOf, request, textOfEvents } from "./fixture.ts";

const never = new AbortController().signal;
const words = (count: number) => Array.from({ length: count }, (_, at) => `token${at} `);

function run(
  fixture: Fixture,
  chunks: (signal: AbortSignal) => AsyncIterable<CompletionChunk>,
  signal = never,
) {
  const taskId = "task";
  return runGeneration({
    ...ids,
    taskId,
    request,
    signal,
    provider: providerOf(chunks),
    ports: fixture.ports,
  });
}

async function* speak(texts: string[], end?: unknown): AsyncGenerator<CompletionChunk> {
  for (const content of texts) yield await Promise.resolve({ content });
  if (end) throw end;
  yield { finishReason: "stop", usage: { total_tokens: texts.length } };
}

async function* sayThenHang(texts: string[]): AsyncGenerator<CompletionChunk> {
  for (const content of texts) yield { content };
  await new Promise(() => {});
}

Deno.test("seq rises by one, the end is stored, then told", async () => {
  await using fixture = await openFixture();
  const result = await run(fixture, () => speak(["One", " two"]));
  assert.equal(result.state, "done");
  assert.deepEqual(fixture.events.map(({ seq }) => seq), [1, 2, 3]);
  assert.equal(textOfEvents(fixture.events), "One two");
  assert.equal(fixture.events[2]?.data.data.done, true);
  const { content, done, usage, generation } = fixture.messages.stored.get("answer") ?? {};
  assert.deepEqual({ content, done, usage }, {
    content: "One two",
    done: true,
    usage: { total_tokens: 2 },
  });
  assert.equal(generation, fixture.events[0]?.data.data.generation);
  assert.equal((await fixture.faulty.contents(keys.streams)).size, 0);
});

Deno.test("a provider's failure keeps what was streamed", async () => {
  await using fixture = await openFixture();
  await run(fixture, () => speak(["Half"], new AppError("provider_error", "It broke.")));
  const error = { code: "provider_error", content: "It broke." };
  const stored = fixture.messages.stored.get("answer");
  assert.deepEqual([stored?.content, stored?.done, stored?.error], ["Half", true, error]);
  assert.deepEqual(fixture.events.at(-1)?.data.data.error, error);
  assert.equal(fixture.events.at(-1)?.data.data.done, true);
});

Deno.test("a stop ends even a provider that does not listen, and stores what was streamed", async () => {
  await using fixture = await openFixture();
  const stop = new AbortController();
  const running = run(fixture, () => sayThenHang(["Some"]), stop.signal);
  await until(() => fixture.events.length === 1, { what: "the first event" });
  stop.abort();
  assert.equal((await running).state, "interrupted");
  const stored = fixture.messages.stored.get("answer");
  assert.deepEqual([stored?.content, stored?.done, stored?.interrupted], ["Some", true, true]);
  assert.equal(fixture.events.at(-1)?.data.data.interrupted, true);
});

Deno.test("O4: an end that the store refuses is told, kept, and tried until it is stored", async () => {
  await using fixture = await openFixture();
  const { messages, streams } = fixture;
  messages.failures = 2;
  assert.equal((await run(fixture, () => speak(["x"]))).state, "done");
  assert.equal(messages.stored.get("answer")?.content, "x");
  messages.failures = Infinity;
  assert.equal((await run(fixture, () => speak(["later"]))).state, "done");
  assert.deepEqual(fixture.events.at(-1)?.data.data.done, true);
  assert.equal(messages.stored.get("answer")?.done, false);
  assert.equal((await streams.resume(ids)).content, "later", "it is in memory until then");
  messages.failures = 0;
  await until(() => messages.stored.get("answer")?.done, { what: "the end to be stored" });
  assert.equal(messages.stored.get("answer")?.content, "later");
  await until(async () => (await fixture.faulty.contents(keys.streams)).size === 0, {
    what: "nothing for the sweep",
  });
});

Deno.test("O4: an answer that can't begin while the store is away ends in its message, too", async () => {
  await using fixture = await openFixture();
  const { messages, faulty } = fixture;
  const refusals = [
    { begin: () => faulty.down = true, end: () => faulty.down = false },
    { begin: () => messages.beginFailures = Infinity, end: () => messages.beginFailures = 0 },
  ];
  for (const { begin, end } of refusals) {
    messages.stored.set("answer", { content: "" });
    begin();
    assert.equal((await run(fixture, () => speak(["x"]))).state, "failed");
    assert.equal(fixture.events.at(-1)?.data.data.done, true, "its reader is told at once");
    end();
    await until(() => messages.stored.get("answer")?.done, { what: "the end in the message" });
    assert.ok(messages.stored.get("answer")?.error);
    await until(async () => (await faulty.contents(keys.streams)).size === 0, {
      what: "nothing that its instance would keep for as long as it lives",
    });
    assert.equal((await fixture.streams.resume(ids)).active, false);
  }
});

Deno.test("O2: what the store holds is dropped from memory; what is under way is weighed", async () => {
  await using fixture = await openFixture({ budget: { maxBytes: 9_000, maxBytesPerUser: 5_000 } });
  const { streams } = fixture;
  await run(fixture, () => speak(Array.from({ length: 50 }, () => "twenty letters here.")));
  assert.equal(streams.bytes, 0);
  assert.equal((await streams.resume(ids)).content.length, 1_000, "the store answers");
  const ada = await streams.begin({ ...ids, messageId: "a" });
  const ada2 = await streams.begin({ ...ids, messageId: "b" });
  const bob = await streams.begin({ ...ids, userId: "bob", chatId: "bobs" });
  const part = { content: "x".repeat(2_000), reasoning: "" };
  ada.append(part);
  assert.throws(() => ada2.append(part), { code: "too_large" });
  bob.append(part);
  const eve = await streams.begin({ ...ids, userId: "eve", chatId: "eves" });
  assert.throws(() => eve.append(part), { code: "unavailable" });
  for (const stream of [ada, ada2, bob, eve]) {
    stream.end({});
    await streams.close(stream, {});
  }
  assert.equal(streams.bytes, 0);
});

Deno.test("T7: a newer generation of a message silences the older", async () => {
  await using fixture = await openFixture();
  const first = run(fixture, () => sayThenHang(["old"]));
  await until(() => fixture.events.length === 1, { what: "the first event" });
  const second = await run(fixture, () => speak(["new"]));
  assert.equal((await first).state, "superseded");
  assert.equal(fixture.messages.stored.get("answer")?.content, "new");
  const late = fixture.events.slice(1).map(({ data }) => data.data.generation);
  assert.deepEqual([...new Set(late)], [second.generation]);
});

Deno.test("T7: of two that begin at once on two instances, one is told and stored to its end", async () => {
  await using a = await openFixture();
  const { faulty, messages } = a;
  await using b = await openFixture({ faulty, messages, instanceId: "two" });
  async function* slowly(word: string): AsyncGenerator<CompletionChunk> {
    for (let at = 0; at < 20; at++) {
      await pause(5);
      yield { content: `${word}${at} ` };
    }
  }
  // The store's head says a, then b; the message says b, then a.
  const begun = Promise.withResolvers<void>();
  const { begin } = messages;
  let begins = 0;
  messages.begin = async (...answer) => {
    if (begins++ === 0) await begun.promise;
    await begin(...answer);
    begun.resolve();
  };
  const first = run(a, () => slowly("a"));
  await until(() => begins === 1, { what: "the first to stand at its message" });
  const second = run(b, () => slowly("b"));
  assert.deepEqual([(await first).state, (await second).state], ["done", "superseded"]);
  const { content, done } = messages.stored.get("answer") ?? {};
  assert.deepEqual([content, done], [textOfEvents(a.events), true]);
  assert.equal(a.events.at(-1)?.data.data.done, true);
  const resumed = await b.streams.resume(ids);
  assert.deepEqual([resumed.content, resumed.done], [content, true]);
});

Deno.test("T7: a local chat that somebody else calls by the same name silences nobody", async () => {
  await using a = await openFixture();
  await using b = await openFixture({ faulty: a.faulty, instanceId: "two" });
  const local = { chatId: "local:tab", messageId: "answer" };
  const mine = await a.streams.begin({ ...local, userId: "ada" });
  mine.append({ content: "mine", reasoning: "" });
  for (const { streams } of [a, b]) {
    await assert.rejects(streams.begin({ ...local, userId: "eve" }), { code: "not_found" });
  }
  mine.append({ content: " still", reasoning: "" });
  await mine.log.close();
  assert.equal(mine.superseded.aborted, false);
  assert.equal((await b.streams.resume({ ...local, userId: "ada" })).content, "mine still");
  assert.equal((await b.streams.resume({ ...local, userId: "eve" })).content, "");
  assert.equal((await a.faulty.contents(keys.streams)).size, 1);
  mine.end({});
  await a.streams.close(mine, {});
});

Deno.test("T4: the bytes of a 10,000-token answer are linear", async () => {
  await using fixture = await openFixture();
  const tokens = words(10_000);
  async function* paced(): AsyncGenerator<CompletionChunk> {
    for (const [at, content] of tokens.entries()) {
      if (at % 500 === 0) await pause(2);
      yield { content };
    }
  }
  await run(fixture, paced);
  const text = tokens.join("").length;
  const frame = 250; // an event's names and ids
  const emitted = fixture.events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
  const written = fixture.faulty.written.bytes + fixture.messages.bytesWritten;
  assert.equal(textOfEvents(fixture.events), tokens.join(""));
  assert.ok(emitted <= text + fixture.events.length * frame, `${emitted} emitted`);
  say(`stored: ${(written / text).toFixed(2)} times the text`);
  // The record for Open WebUI's instances has it twice, in the forms of older and newer ones; and what
  // waits for its own log is in the journal, too.
  assert.ok(written <= 3.8 * text, `${written} written for ${text}`);
});

Deno.test("S9: a slow store stalls nobody, until too much waits for it", async () => {
  await using fixture = await openFixture({
    log: { flushMs: 1, batchLength: 10, maxPendingLength: 1_000 },
  });
  const running = run(fixture, async function* () {
    yield { content: "first" };
    fixture.faulty.hung = true;
    yield* speak(Array.from({ length: 100 }, () => "x".repeat(100)));
  });
  await until(() => fixture.events.length >= 10, { what: "events before the store answers" });
  await pause(20);
  assert.ok(fixture.events.length < 15, `${fixture.events.length} events wait for the store`);
  fixture.faulty.hung = false;
  assert.equal((await running).content.length, 10_005);
});

Deno.test("an answer over the bound is ended with a clear error", async () => {
  await using fixture = await openFixture({ maxLength: 10 });
  const result = await run(fixture, () => speak(["12345", "67890", "!"]));
  assert.deepEqual([result.content, result.outcome.error?.code], ["1234567890", "too_large"]);
});

Deno.test("T8: the answer of an instance that died is ended once, with what its log holds", async () => {
  await using fixture = await openFixture({ instanceId: "dead" });
  const stop = new AbortController();
  const running = run(fixture, () => sayThenHang(["Left", " over"]), stop.signal);
  const { faulty, messages } = fixture;
  const noted = async () => (await faulty.contents(keys.streamJournal("dead"))).size;
  await until(noted, { what: "the journal" });
  const told: unknown[] = [];
  const options = {
    store: faulty.store,
    messages,
    logger: silentLogger,
    emit: (_: string, e: unknown) => told.push(e),
  };
  assert.equal(await sweepInterrupted({ ...options, isAlive: () => true }), 0);
  const sweep = () => sweepInterrupted({ ...options, isAlive: (id) => id !== "dead" });
  const counts = await Promise.all([sweep(), sweep()]);
  assert.equal(counts[0] + counts[1], 1);
  assert.equal(await sweep(), 0);
  const stored = messages.stored.get("answer");
  assert.deepEqual([stored?.content, stored?.done, stored?.interrupted], ["Left over", true, true]);
  assert.equal(told.length, 1);
  await using other = await openFixture({ faulty, instanceId: "two" });
  const answer = await other.streams.resume({ userId: "ada", chatId: "chat" });
  assert.deepEqual([answer.content, answer.done, answer.interrupted, answer.seq], [
    "Left over",
    true,
    true,
    3,
  ]);
  stop.abort();
  await running;
});
