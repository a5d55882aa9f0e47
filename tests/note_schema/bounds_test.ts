import assert from "node:assert/strict";
import { contentOf } from "../../lib/note_schema/note_content.ts";
import type { JsonNode } from "../../lib/note_schema/json_node.ts";
import { textOf } from "../documents/fixture.ts";

/** Far above what any of them takes, far below what they took: minutes and more. */
const LIMIT_MS = 5_000;

function parsed(snapshot: { md?: string; html?: string }): JsonNode {
  const began = performance.now();
  const content = contentOf(snapshot);
  const tookMs = performance.now() - began;
  const [name, text] = Object.entries(snapshot)[0] ?? [];
  assert.ok(tookMs < LIMIT_MS, `${name} ${text?.slice(0, 20)}… took ${tookMs.toFixed()} ms`);
  return content;
}

Deno.test("D8: a text that was written to be slow is read in time, and none of it is lost", () => {
  for (
    const sign of ["[a](", "![a](", "**a", "**a\n", "*a_b\n", "`a", "\\", "> ", "1. ", "- ", "<"]
  ) {
    for (const length of [4_000, 30_000, 300_000]) {
      const md = sign.repeat(Math.ceil(length / sign.length));
      const text = textOf(parsed({ md }));
      const letters = (from: string) => from.replace(/[^ab]/g, "");
      assert.equal(letters(text), letters(md), `${sign} ${length}`);
    }
  }
  for (const sign of ["<", "<a ", "<p>", "<br ", "&lt;", "[a](", "**a\n"]) {
    for (const length of [30_000, 1_000_000]) parsed({ html: sign.repeat(length / sign.length) });
  }
});

Deno.test("a long text keeps its form as far as that is worth its time", () => {
  const section =
    "## Part\n\nSome *words* with a [link](https://example.com) and `code`.\n\n- one\n- two\n\n";
  const { content = [] } = parsed({ md: section.repeat(2_000) });
  const types = content.map(({ type }) => type);
  const count = (type: string) => types.filter((one) => one === type).length;
  assert.deepEqual(["heading", "paragraph", "bulletList"].map(count), [2_000, 2_000, 2_000]);
  const last = content.at(-2)?.content?.map(({ marks }) => marks?.[0]?.type);
  assert.deepEqual(last, [undefined, "italic", undefined, "link", undefined, "code", undefined]);
  const long = parsed({ md: section.repeat(20_000) }).content ?? [];
  assert.equal(long.length, 60_000);
  assert.deepEqual(long[0], { type: "paragraph", content: [{ type: "text", text: "## Part" }] });
});
