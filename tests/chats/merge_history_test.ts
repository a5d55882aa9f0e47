/** What a client's copy does to a stored message, case by case. */
import assert from "node:assert/strict";
import { mergedMessage, type StoredMessage } from "../../lib/chats/merge_history.ts";
import type { ChatMessage } from "../../lib/protocol/chat.ts";

const question: ChatMessage = {
  id: "m",
  parentId: null,
  childrenIds: [],
  role: "user",
  content: "asked",
};
const answer: StoredMessage = {
  ...question,
  role: "assistant",
  content: "The whole answer",
  done: true,
  generation: "g2",
  stamps: { added: { at: 3 } },
};
/** Somebody who has read the newest version. */
const knowing = { version: 9, reader: "me" };

Deno.test("a copy of an ended answer keeps what only the server says", () => {
  const copy: ChatMessage = { ...question, role: "assistant", content: "corrected", done: true };
  const merged = mergedMessage(answer, copy, knowing);
  assert.equal(merged.content, "corrected");
  assert.equal(merged.generation, "g2");
  assert.deepEqual(merged.stamps, { added: { at: 3 }, edited: { by: "me" } });
  assert.deepEqual(Object.keys(merged).toSorted(), Object.keys(answer).toSorted());
  // What its lists alone change is no edit of its words.
  const listed = mergedMessage(answer, { ...answer, files: ["x"] }, knowing);
  assert.deepEqual(listed, { ...answer, files: ["x"] });
});

Deno.test("a message without a generation gets none", () => {
  const merged = mergedMessage({ ...question }, { ...question, content: "edited" }, knowing);
  assert.ok(!("generation" in merged));
  assert.deepEqual(merged.stamps, { edited: { by: "me" } });
});

Deno.test("a copy of another generation's answer changes nothing, of the same one it does", () => {
  const copy: ChatMessage = { ...answer, content: "of an older one", generation: "g1" };
  assert.equal(mergedMessage(answer, copy, knowing), answer);
  const same = mergedMessage(answer, { ...copy, generation: "g2" }, knowing);
  assert.equal(same.content, "of an older one");
});

Deno.test("lists of an answer that have grown since the copy stay; those that the copy has more of are taken", () => {
  const stored = { ...answer, sources: ["a", "b"], files: ["x"] };
  const copy: ChatMessage = { ...stored, sources: ["a"], files: ["x", "y"], content: "new" };
  const merged = mergedMessage(stored, copy, knowing);
  assert.deepEqual([merged.sources, merged.files], [["a", "b"], ["x", "y"]]);
  const equal = mergedMessage(stored, { ...stored, sources: ["c", "d"] }, knowing);
  assert.deepEqual(equal.sources, ["c", "d"], "of the same length, the edit counts");
});

Deno.test("lists of a question are its author's, shorter ones too", () => {
  const stored: ChatMessage = { ...question, files: ["x", "y"] };
  const merged = mergedMessage(stored, { ...stored, files: ["x"] }, knowing);
  assert.deepEqual(merged.files, ["x"]);
});

Deno.test("a copy that says the same in another order changes nothing", () => {
  const reversed = Object.fromEntries(Object.entries(answer).reverse()) as ChatMessage;
  assert.equal(mergedMessage(answer, reversed, knowing), answer);
});

Deno.test("a copy from before the end of an answer keeps the end; words of one's own are an edit", () => {
  const unfinished: ChatMessage = { ...question, role: "assistant", content: "The whole" };
  const contentOf = (stored: StoredMessage, content: string) =>
    mergedMessage(stored, { ...unfinished, content }, knowing).content;
  assert.equal(contentOf(answer, "The whole"), "The whole answer");
  assert.equal(contentOf(answer, "other words"), "The whole answer");
  const typed: ChatMessage = { ...unfinished, content: "The whole answer" };
  assert.equal(contentOf(typed, "The whole"), "The whole answer");
  assert.equal(contentOf(typed, "rewritten"), "rewritten");
});
