import assert from "node:assert/strict";
import * as Y from "yjs";
import { silentLogger } from "../../lib/common/logger.ts";
import { Digester } from "../../lib/documents/digester.ts";
import type { Input, Kind, Output } from "../../lib/documents/digests.ts";
import { KnownEntries } from "../../lib/documents/known_entries.ts";
import { keys } from "../../lib/state/key_space.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance } from "./fixture.ts";

const LOG = keys.documentUpdates("note_n1");

/** Remembers what it was given to do. */
class WatchedDigester extends Digester {
  readonly kinds: Kind[] = [];

  override run<K extends Kind>(kind: K, input: Input<K>): Promise<Output<K>> {
    this.kinds.push(kind);
    return super.run(kind, input);
  }
}

/** A short text that was written by two people at random places, and deleted time and again. */
function oldNote(edits: number): Y.Doc {
  const docs = [new Y.Doc(), new Y.Doc()];
  const [first, second] = docs as [Y.Doc, Y.Doc];
  const paragraph = new Y.XmlElement("paragraph");
  first.getXmlFragment("prosemirror").insert(0, [paragraph]);
  paragraph.insert(0, [new Y.XmlText()]);
  Y.applyUpdate(second, Y.encodeStateAsUpdate(first));
  for (const [doc, other] of [[first, second], [second, first]] as const) {
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === undefined || origin === null) Y.applyUpdate(other, update, "other");
    });
  }
  let place = 7;
  for (let at = 0; at < edits; at++) {
    const doc = at % 2 === 0 ? first : second;
    const text = (doc.getXmlFragment("prosemirror").get(0) as Y.XmlElement).get(0) as Y.XmlText;
    place = (place * 75 + 74) % 65_537;
    if (text.length > 500) text.delete(0, 250);
    else text.insert(place % (text.length + 1), "word ");
  }
  return first;
}

Deno.test("a note with a long history is edited as a new one is: rarely written, never read anew", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  const old = oldNote(6_000);
  const state = Y.encodeStateAsUpdate(old);
  assert.ok(state.length > 100_000, `${state.length} bytes of history`);
  await store.updateLog(LOG).append(state);
  using digester = new WatchedDigester({ logger: silentLogger });
  const saving = { quietMs: 5, maxWaitMs: 50 };
  await using a = await startInstance({ store, notes, saving, digester });
  using ada = await Client.open(a.url, "ada", "note:n1", true);
  const beganMs = performance.now();
  for (let at = 0; at < 600; at++) await ada.write(`${at},`);
  // A moment, but on a busy machine: after a save it rests, at four bytes a millisecond.
  const most = 1 + Math.floor((performance.now() - beganMs) / (state.length / 4));
  assert.ok(notes.saves.length <= most, `${notes.saves.length} saves, at most ${most}`);
  const { kinds } = digester;
  const count = (kind: Kind) => kinds.filter((one) => one === kind).length;
  assert.ok(count("merge") <= 1, "compacted once at the most");
  assert.ok(count("snapshot") <= most, `${count("snapshot")} times read beside the event loop`);
  assert.ok(count("trial") <= 1, `${count("trial")} trials`);
  const text = ada.text();
  await ada.leave();
  await until(() => a.documents.size === 0, { what: "the end of the document" });
  assert.equal(notes.text("n1"), text, "what was the last to be written is saved at the end");
});

Deno.test("a short text with a long history is rendered where it is, and a long one beside the event loop", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await store.updateLog(LOG).append(Y.encodeStateAsUpdate(oldNote(3_000)));
  using digester = new WatchedDigester({ logger: silentLogger });
  const saving = { quietMs: 5, maxWaitMs: 50, maxRestMs: 10 };
  await using a = await startInstance({ store, notes, saving, digester });
  using ada = await Client.open(a.url, "ada", "note:n1", true);
  const saved = async (text: string) => {
    digester.kinds.length = 0;
    await ada.write(text);
    await until(() => notes.text("n1") === ada.text(), { what: "the save" });
    return digester.kinds.filter((kind) => kind === "snapshot").length;
  };
  await saved("first, of which it is not known how long the text is");
  assert.equal(await saved("short"), 0);
  assert.equal(await saved("l".repeat(20_000) + "ong"), 1);
});

Deno.test("a log's large entries are applied once, all others each time that it is read", () => {
  const known = new KnownEntries();
  const [large, other] = [new Uint8Array(5_000), new Uint8Array(5_000).fill(1)];
  const small = Uint8Array.of(1);
  const first = known.among([large, small]);
  assert.deepEqual(first.unknown, [large, small]);
  assert.deepEqual(known.among([large, small]).unknown, [large, small], "nothing applied yet");
  known.remember(first.digests);
  const second = known.among([other, large.slice(), small]);
  assert.deepEqual(second.unknown, [other, small]);
  known.remember(second.digests);
  assert.deepEqual(known.among([large, other]).unknown, []);
});
