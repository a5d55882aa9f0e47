import assert from "node:assert/strict";
import * as Y from "yjs";
import { keys } from "../../lib/state/key_space.ts";
import { WeighedDoc } from "../../lib/documents/weighed_doc.ts";
import { applyPieces, wholeOf } from "../../lib/documents/yjs_state.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance } from "./fixture.ts";

/** A document of so many items, as somebody has typed it. */
function typed(items: number) {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  const text = doc.getText("scratch");
  doc.transact(() => {
    for (let at = 0; at < items; at++) text.insert(Math.floor(at / 2), `${at % 10}`);
  });
  return { doc, text, last: () => updates.at(-1) as Uint8Array };
}

const says = (doc: Y.Doc) => doc.getText("scratch").toString();

/** What somebody has who was sent what the document gives. */
function given(doc: WeighedDoc): string {
  const { state, since } = doc.written();
  const other = new Y.Doc();
  Y.applyUpdate(other, state);
  if (since) Y.applyUpdate(other, since);
  const whole = new Y.Doc();
  Y.applyUpdate(whole, wholeOf({ state, ...(since && { since }) }));
  assert.equal(says(whole), says(other));
  return says(other);
}

Deno.test("what a large document says is written once, and updates beside it; any other change has it written anew", async () => {
  const { text, doc: source, last } = typed(12_000);
  const doc = new WeighedDoc();
  const state = Y.encodeStateAsUpdate(source);
  await applyPieces(doc, { state, pieces: [state] }, undefined);
  assert.equal(doc.written().state, state);
  assert.equal(given(doc), says(source));
  for (let edit = 0; edit < 20; edit++) {
    if (edit % 3 === 0) text.delete(edit * 7, 5);
    else text.insert(edit * 11, `edit ${edit} `);
    doc.take(last());
    assert.equal(doc.written().state, state, "it was written anew");
    assert.equal(given(doc), says(source));
  }
  doc.getText("scratch").insert(0, "by another way ");
  assert.notEqual(doc.written().state, state);
  assert.equal(given(doc), says(doc));
  // Too much beside it is written with it.
  Y.applyUpdate(source, Y.encodeStateAsUpdate(doc));
  const again = doc.written().state;
  for (let edit = 0; edit < 250; edit++) {
    text.insert(0, "x");
    doc.take(last());
  }
  assert.notEqual(doc.written().state, again);
  assert.equal(given(doc), says(source));
});

Deno.test("what was taken while a document was read is not lost to who joins", async () => {
  const { text, doc: source, last } = typed(12_000);
  const state = Y.encodeStateAsUpdate(source);
  const doc = new WeighedDoc();
  const reading = applyPieces(doc, { state, pieces: [state] }, undefined);
  text.insert(3, "meanwhile");
  doc.take(last());
  await reading;
  assert.equal(given(doc), says(source));
});

Deno.test("who joins a large document that is edited has all of it, and what comes after", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  const { doc: source } = typed(12_000);
  await store.updateLog(keys.documentUpdates("note_n1")).append(Y.encodeStateAsUpdate(source));
  await using a = await startInstance({ store, notes });
  using first = await Client.open(a.url, "ada", "note:n1");
  assert.equal(says(first.doc), says(source));
  await first.write("one");
  using second = await Client.open(a.url, "ada", "note:n1", true);
  await until(() => second.text().includes("one"), { what: "what was written before the join" });
  assert.equal(says(second.doc), says(source));
  await second.write("two");
  await first.write("three");
  await until(() => first.text() === second.text() && /two|three/.test(first.text()));
  using third = await Client.open(a.url, "ada", "note:n1");
  await until(() => third.text() === first.text(), { what: "what was written before the third" });
});
