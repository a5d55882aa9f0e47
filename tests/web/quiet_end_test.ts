import assert from "node:assert/strict";
import fc from "fast-check";
import { withQuietEnd } from "../../lib/web/text/quiet_end.ts";

/** What has streamed so far, and what is drawn of it. */
const ENDS: [so_far: string, drawn: string][] = [
  ["**bo", "**bo**"],
  ["a **bold*", "a **bold**"],
  ["text **", "text "],
  ["**bold *it*", "**bold *it***"],
  ["**bold *it**", "**bold *it***"],
  ["***both", "***both***"],
  ["*a* b", "*a* b"],
  ["2 * 3 and snake_case", "2 * 3 and snake_case"],
  ["~~gone", "~~gone~~"],
  ["from 1~2 to", "from 1~2 to"],
  ["`code", "`code`"],
  ["``co`d`", "``co`d``"],
  ["a [link", "a "],
  ["a [link](https://x", "a "],
  ["a [link](https://x) and", "a [link](https://x) and"],
  ["as in [1] and", "as in [1] and"],
  ["in [0, 1)\nor so", "in [0, 1)\nor so"],
  ["![a dot](data:image/png;base64,iVB", ""],
  ["```py", ""],
  ["```py\nx = 1\n``", "```py\nx = 1\n"],
  ["```py\nx = **1", "```py\nx = **1"],
  ["```py\nx = 1\n```\n**a", "```py\nx = 1\n```\n**a**"],
  ["Text\n-", "Text\n"],
  ["Text\n==", "Text\n"],
  ["1. one\n2", "1. one\n"],
  ["- [ ]", ""],
  ["- **an** item\n- and *on", "- **an** item\n- and *on*"],
  ["Rows:\n| a | b |\n", "Rows:\n"],
  ["| a | b |\n|--", ""],
  ["| a | b |\n|---|---|\n| **x", "| a | b |\n|---|---|\n| **x**"],
  ["| a pipe\n| no table", "| a pipe\n| no table"],
  ["so \\(a^2", "so "],
  ["$$\nx = 1", ""],
  ["it costs $5 and", "it costs $5 and"],
  ["x <su", "x "],
  ["if x <y then", "if x <y then"],
];

Deno.test("what a text has only half of at its end is ended, or waits", () => {
  for (const [soFar, drawn] of ENDS) assert.equal(withQuietEnd(soFar), drawn, soFar);
});

Deno.test("only the end of a text is changed, whatever it is made of", () => {
  const signs = ["*", "**", "_", "`", "```\n", "[", "](", ")", "|", "\n", "\n\n", "- ", "a", " b "];
  const text = fc.array(fc.constantFrom(...signs), { maxLength: 60 }).map((all) => all.join(""));
  fc.assert(fc.property(text, (first) => {
    const settled = "A whole **paragraph**.\n\n";
    assert.ok(withQuietEnd(`${settled}word ${first}`).startsWith(settled));
  }));
});

Deno.test("a long paragraph that streams costs no more than its end", () => {
  for (const sign of ["[", "**a ", "\\( ", "` `` ", "<", "![a]("]) {
    const begunMs = performance.now();
    withQuietEnd(sign.repeat(100_000));
    // As long as it takes to read it, and not its square: that would be minutes.
    assert.ok(performance.now() - begunMs < 2_000, sign);
  }
});
