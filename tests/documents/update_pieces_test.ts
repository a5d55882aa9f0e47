import assert from "node:assert/strict";
import * as Y from "yjs";
import {
  pack,
  packInTurns,
  sealed,
  unpack,
  unpackInTurns,
} from "../../lib/documents/digest_packing.ts";
import { piecesOf } from "../../lib/documents/update_pieces.ts";
import { WeighedDoc } from "../../lib/documents/weighed_doc.ts";
import { seedOf } from "../support/say.ts";

/** Numbers below `end`, the same for the same seed (Numerical Recipes' generator). */
function numbersOf(seed: number): (end: number) => number {
  let state = seed >>> 0;
  return (end) => (state = (state * 1_664_525 + 1_013_904_223) >>> 0) % end;
}

/** Three who write, delete and nest beside each other, and now and then hear of it. */
function edited(next: (end: number) => number): WeighedDoc {
  const docs = [1, 2, 3].map((clientID) => Object.assign(new WeighedDoc(), { clientID }));
  const tellAll = (doc: Y.Doc) =>
    docs.forEach((other) => Y.applyUpdate(other, Y.encodeStateAsUpdate(doc)));
  for (let edit = 0; edit < 9_000; edit++) {
    const doc = docs[next(3)] as WeighedDoc;
    const text = doc.getText("text");
    if (text.length > 9 && next(5) === 0) text.delete(next(text.length - 3), 2);
    else text.insert(next(text.length + 1), "ab");
    if (next(20) === 0) {
      const element = new Y.XmlElement("paragraph");
      doc.getXmlFragment("prosemirror").insert(0, [element]);
      element.insert(0, [new Y.XmlText("in it")]);
      if (next(2) === 0) doc.getXmlFragment("prosemirror").delete(0, 1);
    }
    if (next(300) === 0) tellAll(doc);
  }
  docs.forEach(tellAll);
  return docs[0] as WeighedDoc;
}

Deno.test("a large document is applied in pieces, each of which needs only those before it", () => {
  const doc = edited(numbersOf(seedOf("pieces of a document")));
  const state = Y.encodeStateAsUpdate(doc);
  const pieces = piecesOf(doc);
  assert.ok(pieces.length > 3, `${pieces.length} pieces`);
  for (const piece of pieces) assert.ok(Y.decodeUpdate(piece).structs.length <= 500);
  const other = new WeighedDoc();
  for (const piece of pieces) {
    Y.applyUpdate(other, piece);
    assert.equal(other.store.pendingStructs, null);
  }
  assert.deepEqual(Y.encodeStateAsUpdate(other), state);
});

Deno.test("who has some of a document is sent the rest in pieces, and nothing where that is all", () => {
  const next = numbersOf(seedOf("pieces of the rest"));
  const doc = edited(next);
  const other = new WeighedDoc();
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
  const [deletions, ...more] = piecesOf(doc, Y.encodeStateVector(other));
  assert.equal(more.length, 0);
  assert.equal(Y.decodeUpdate(deletions as Uint8Array).structs.length, 0);
  const text = doc.getText("text");
  for (let edit = 0; edit < 2_000; edit++) text.insert(next(text.length + 1), "cd");
  text.delete(0, 50);
  const pieces = piecesOf(doc, Y.encodeStateVector(other));
  assert.ok(pieces.length > 2, `${pieces.length} pieces`);
  for (const piece of pieces) {
    Y.applyUpdate(other, piece);
    assert.equal(other.store.pendingStructs, null);
  }
  assert.deepEqual(Y.encodeStateAsUpdate(other), Y.encodeStateAsUpdate(doc));
});

Deno.test("what waits for items that are not there comes with the last piece", () => {
  const writer = new Y.Doc();
  const text = writer.getText("text");
  const updates: Uint8Array[] = [];
  writer.on("update", (update: Uint8Array) => updates.push(update));
  for (let edit = 0; edit < 3_000; edit++) text.insert(0, "a");
  const doc = new WeighedDoc();
  for (const update of updates.filter((_, at) => at !== 2_500)) Y.applyUpdate(doc, update);
  const other = new WeighedDoc();
  const pieces = piecesOf(doc);
  for (const piece of [...pieces, updates[2_500] as Uint8Array]) Y.applyUpdate(other, piece);
  assert.equal(other.getText("text").length, 3_000);
});

Deno.test("what crosses to the thread and back is what it was", async () => {
  const state = Uint8Array.of(1, 2, 3);
  const large = { text: "é".repeat(70_000), list: [{ a: 1 }, null], none: undefined };
  const values = [
    { state, note: { md: "short" }, kept: undefined },
    [state, Uint8Array.of(4)],
    { state, pieces: [state, state], note: large, isEdited: false, text: large.text },
    ...["text", true, 7, undefined, null],
  ];
  for (const value of values) {
    const there = unpack(structuredClone(sealed(await packInTurns(value))));
    const back = await unpackInTurns(structuredClone(pack(value)));
    const plain = value && typeof value === "object" && "pieces" in value
      ? { ...value, note: JSON.parse(JSON.stringify(large)) }
      : value;
    assert.deepEqual(there, plain);
    assert.deepEqual(back, plain);
  }
});
