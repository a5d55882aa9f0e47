import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { sweepInterrupted } from "../../lib/completions/interrupted_sweep.ts";
import { journalOf } from "../../lib/completions/stream_journal.ts";
import type { JournalEntry, LogBatch } from "../../lib/completions/stream_records.ts";
import { keys } from "../../lib/state/key_space.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { FakeMessages, idsOf } from "./fixture.ts";

const JOURNAL = keys.streamJournal("one");

/** What a dead instance leaves: streams that run, and what its journal has of them. */
class Remains implements AsyncDisposable {
  readonly messages = new FakeMessages();
  warnings = 0;
  private constructor(readonly faulty: FaultyStore) {}

  static async open(): Promise<Remains> {
    return new Remains(await FaultyStore.open());
  }

  async stream(at: number, generation: string): Promise<void> {
    const stream = idsOf(at);
    await this.messages.begin({ ...stream, generation }, { model: "m", parentId: null });
    await this.faulty.real.dictionary(keys.streams).set(generation, { ...stream, owner: "one" });
  }

  async note(name: number, entry: JournalEntry): Promise<void> {
    await journalOf(this.faulty.real, "one").set(String(name), entry);
  }

  sweep(isAlive: () => boolean | Promise<boolean> = () => false): Promise<number> {
    return sweepInterrupted({
      store: this.faulty.store,
      messages: this.messages,
      logger: { ...logger, warn: () => void this.warnings++ },
      emit: () => {},
      isAlive,
    });
  }

  text(at: number): string | undefined {
    return this.messages.stored.get(`answer-${at}`)?.content;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.faulty[Symbol.asyncDispose]();
  }
}

Deno.test("of an entry that arrived though it was refused and the next one, the longer counts", async () => {
  await using remains = await Remains.open();
  await remains.stream(1, "g1");
  await remains.note(0, { g1: [1, ["a "]] });
  await remains.note(1, { g1: [1, ["a ", "b "]] });
  assert.equal(await remains.sweep(), 1);
  assert.equal(remains.text(1), "a b ");
});

Deno.test("the sweep writes what a stream's notes have as one batch", async () => {
  await using remains = await Remains.open();
  await remains.stream(1, "g1");
  for (let at = 0; at < 12; at++) await remains.note(at, { g1: [at + 1, [`${at} `]] });
  assert.equal(await remains.sweep(), 1);
  assert.equal(remains.text(1), "0 1 2 3 4 5 6 7 8 9 10 11 ");
  const { chatId, messageId } = idsOf(1);
  const log = await remains.faulty.contents<LogBatch>(keys.stream(chatId, messageId, "g1"));
  assert.equal(log.size, 1);
});

Deno.test("a journal stays while a stream that the sweep has not met needs it", async () => {
  await using remains = await Remains.open();
  await remains.stream(2, "g2");
  await remains.note(0, { g1: [1, ["early "]], g2: [1, ["late "]] });
  // It begins when the walk over the streams is past its place, just before its instance dies.
  const isAlive = async () => {
    await remains.stream(1, "g1");
    return false;
  };
  assert.equal(await remains.sweep(isAlive), 1);
  assert.equal(await remains.sweep(), 1);
  assert.deepEqual([remains.text(1), remains.text(2)], ["early ", "late "]);
  assert.equal((await remains.faulty.contents(JOURNAL)).size, 0);
});

Deno.test("a journal that can't be read is told once, and its streams are left for the next sweep", async () => {
  await using remains = await Remains.open();
  for (const at of [1, 2, 3]) await remains.stream(at, `g${at}`);
  await remains.note(0, { g1: [1, ["a"]], g2: [1, ["b"]], g3: [1, ["c"]] });
  remains.faulty.only = JOURNAL;
  remains.faulty.down = true;
  assert.equal(await remains.sweep(), 0);
  assert.equal(remains.warnings, 1);
  remains.faulty.down = false;
  assert.equal(await remains.sweep(), 3);
  assert.deepEqual([1, 2, 3].map((at) => remains.text(at)), ["a", "b", "c"]);
});
