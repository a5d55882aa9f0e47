import assert from "node:assert/strict";
import { silentLogger } from "../../lib/common/logger.ts";
import { LogWriter } from "../../lib/documents/log_writer.ts";
import { NoteSaver } from "../../lib/documents/note_saver.ts";
import { keys } from "../../lib/state/key_space.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance } from "./fixture.ts";

Deno.test("10.2: at 500 updates the oldest half becomes one snapshot, and every update is there", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes, saving: { quietMs: 60_000 } });
  await using b = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  const length = () => store.updateLog(keys.documentUpdates("note_n1")).length();
  for (let at = 0; at < 499; at++) void one.write(`${at},`);
  await Promise.all(one.unanswered);
  assert.equal(await length(), 499, "none before");
  await one.write("499,");
  await until(async () => await length() === 251, { what: "250 and a snapshot of 250" });
  using two = await Client.open(b.url, "bob", "note:n1");
  assert.equal(two.text(), Array.from({ length: 500 }, (_, at) => `${at},`).join(""));
});

Deno.test("a note is saved 500 ms after the last edit, and every 5 s while edits go on", async () => {
  const saver = () => {
    const savedAtMs: number[] = [];
    const save = () => Promise.resolve(savedAtMs.push(performance.now()));
    return { savedAtMs, of: new NoteSaver({ save, onFailure: () => {}, logger: silentLogger }) };
  };
  const [quiet, busy] = [saver(), saver()];
  using _quiet = quiet.of;
  using _busy = busy.of;
  const startMs = performance.now();
  quiet.of.edited();
  busy.of.edited();
  const timer = setInterval(() => busy.of.edited(), 100);
  try {
    await until(() => busy.savedAtMs.length > 0, { limitMs: 60_000, what: "a save between edits" });
  } finally {
    clearInterval(timer);
  }
  const [quietMs = 0, busyMs = 0] = [quiet, busy].map(({ savedAtMs: [at = 0] }) => at - startMs);
  assert.ok(quietMs >= 499, `${quietMs} ms`);
  assert.ok(busyMs >= 4_900 && busyMs > quietMs, `${busyMs} ms`);
  assert.equal(quiet.savedAtMs.length, 1);
});

Deno.test("after a large save the next one waits the longer, up to a limit; who asks for one does not", async () => {
  const gapMs = async (bytes: number, maxRestMs: number) => {
    const savedAtMs: number[] = [];
    const save = () => {
      savedAtMs.push(performance.now());
      return Promise.resolve(bytes);
    };
    const pace = { quietMs: 1, maxWaitMs: 2, maxRestMs };
    using saver = new NoteSaver({ ...pace, save, onFailure: () => {}, logger: silentLogger });
    const timer = setInterval(() => saver.edited(), 5);
    try {
      await until(() => savedAtMs.length >= 2, { what: "two saves between edits" });
    } finally {
      clearInterval(timer);
    }
    const [first = 0, second = 0] = savedAtMs;
    saver.edited();
    const before = savedAtMs.length;
    await saver.flush();
    assert.equal(savedAtMs.length, before + 1, "a flush is at once");
    return second - first;
  };
  const [small, large, largest] = await Promise.all([
    gapMs(40, 60_000),
    gapMs(2_000, 60_000),
    gapMs(100_000_000, 300),
  ]);
  assert.ok(small < large, `${small} and ${large} ms`);
  assert.ok(large >= 499, `2,000 bytes at 4 a millisecond: ${large} ms`);
  assert.ok(largest >= 299 && largest < 10_000, `${largest} ms`);
});

Deno.test("a log with a large snapshot is compacted after the more updates", async () => {
  await using store = await openStore();
  const log = store.updateLog(["log"]);
  let merges = 0;
  const merge = () => {
    merges++;
    return Promise.resolve(new Uint8Array(64 * 100));
  };
  using writer = new LogWriter({ log, compactionThreshold: 10, merge, logger: silentLogger });
  const append = async (count: number) => {
    for (let at = 0; at < count; at++) await writer.append(Uint8Array.of(at), () => {});
    await writer.idle();
  };
  await append(10);
  assert.equal(merges, 1);
  assert.equal(await log.length(), 6, "five, and a snapshot of five");
  await append(98);
  assert.equal(merges, 1, "not again after five more");
  await append(2);
  assert.equal(merges, 2);
});
