import assert from "node:assert/strict";
import { lexer, Marked, type Token } from "marked";
import { BoundedLexer } from "../../lib/markdown/bounded_lexer.ts";
import { mathematics } from "../../lib/markdown/mathematics.ts";

/** What a page gives to a message of somebody else. */
const MAX_COST = 10_000_000;
const HONEST =
  "# A\n\n*b* **c** [d](https://e.example) `f` ![g](h)\n\n- i\n  1. j\n\n> k\n\n|l|m|\n|-|-|\n|n|o|\n";

const rawOf = (tokens: Token[]) => tokens.map(({ raw }) => raw).join("");

Deno.test("an honest text is read as the parser reads it", () => {
  assert.deepEqual(new BoundedLexer().lex(HONEST), lexer(HONEST));
  assert.deepEqual(new BoundedLexer(undefined, MAX_COST).lex(HONEST), lexer(HONEST));
});

Deno.test("a message that was written to be slow is read at once, and is all there", () => {
  for (const sign of ["[a](", "![a](", "**a", "**a\n", "*a_b\n", "`a", "\\"]) {
    const text = sign.repeat(40_000 / sign.length);
    const began = performance.now();
    const tokens = new BoundedLexer(undefined, MAX_COST).lex(text);
    const tookMs = performance.now() - began;
    // A tenth of a second; without the bound, minutes.
    assert.ok(tookMs < 10_000, `${sign} took ${tookMs.toFixed()} ms`);
    assert.equal(rawOf(tokens), text);
  }
  const spaces = `a${" ".repeat(300_000)}b`;
  const began = performance.now();
  assert.equal(rawOf(new BoundedLexer({ breaks: true }, MAX_COST).lex(spaces)), spaces);
  const { defaults } = new Marked({ extensions: mathematics });
  const dollars = "$$a\n".repeat(50_000);
  assert.equal(rawOf(new BoundedLexer(defaults, MAX_COST).lex(dollars)), dollars);
  // Without the bounds a minute each.
  assert.ok(performance.now() - began < 10_000, `${performance.now() - began} ms`);
  const deep = new BoundedLexer().lex(`${"> ".repeat(50_000)}a\n\n${"1. ".repeat(50_000)}b`);
  assert.match(JSON.stringify(deep), /a"[^]*"b"/);
});
