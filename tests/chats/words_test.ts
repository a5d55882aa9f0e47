import assert from "node:assert/strict";
import { folded, snippetOf, termsOf, wordsOf } from "../../lib/chats/words.ts";

const words = (text: string) => [...wordsOf(text)].flat();

Deno.test("words are compared without accents, capitals and signs", () => {
  assert.equal(folded("Crème BRÛLÉE"), "creme brulee");
  assert.deepEqual(words("Don't—panic: it's_ok, 日本語!"), [
    "don",
    "t",
    "panic",
    "it",
    "s_ok",
    "日本語",
  ]);
  assert.deepEqual(termsOf("  Moon moon, MOON "), ["moon"]);
  assert.equal(termsOf("a b c d e f g h i j k").length, 8);
});

Deno.test("a long text is read in parts, and no word is cut between two", () => {
  const many = Array.from({ length: 30_000 }, (_, at) => `word${at}`);
  const parts = [...wordsOf(many.join(" "))];
  assert.ok(parts.length > 2);
  assert.deepEqual(parts.flat(), many);
  assert.deepEqual(words("a".repeat(500) + " short"), ["short"], "what is no word is left out");
});

Deno.test("a snippet shows where a term stands, in the text's own letters", () => {
  const text = `${"filler ".repeat(100)}the Crème brûlée\nis served${" more".repeat(100)}`;
  const snippet = snippetOf(text, termsOf("brulee")) ?? "";
  assert.match(snippet, /^….*the Crème brûlée is served.*…$/);
  assert.ok(snippet.length < 200);
  assert.equal(snippetOf("Short.", ["short"]), "Short.");
  assert.equal(snippetOf("Short.", ["long"]), undefined);
});
