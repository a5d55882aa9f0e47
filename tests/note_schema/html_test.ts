import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHtml } from "../../lib/note_schema/html_reader.ts";
import { fromMd } from "../../lib/note_schema/markdown_reader.ts";
import { contentOf } from "../../lib/note_schema/note_content.ts";
import type { JsonNode } from "../../lib/note_schema/json_node.ts";
import { fingerprint } from "../../lib/note_schema/yjs_content.ts";
import { toHtml } from "../../lib/note_schema/html_writer.ts";

const typesIn = (node: JsonNode): string[] => [
  node.type ?? "",
  ...(node.marks ?? []).map(({ type }) => type),
  ...(node.content ?? []).flatMap(typesIn),
];
const bare = (node: JsonNode): string => node.text ?? (node.content ?? []).map(bare).join("|");

Deno.test("what we show as HTML is read as what it was", () => {
  const md = [
    "# One *two* `three`",
    "A paragraph with **bold**, ~~struck~~ and [a link](https://example.org/?a=1&b=2).",
    "- one\n- two\n  1. nested\n  2. list",
    "> quoted\n>\n> twice",
    "| a | b |\n| --- | --- |\n| 1 | 2 |",
    "---",
    "last ![picture](https://example.org/p.png) & <more>",
  ].join("\n\n");
  const json = fromMd(md);
  assert.equal(fingerprint(contentOf({ html: toHtml(json) })), fingerprint(json));
});

Deno.test("HTML of any editor keeps its form; what a note can't hold keeps its text", () => {
  const json = fromHtml(
    `text<div>in <u>a</u><div>division</div></div><pre><code class="language-ts">a\n  b\n</code></pre>
    <ul>stray<li>item</li></ul><li>lone</li><b>bold <p>paragraph</p></b><custom-tag>kept</custom-tag>
    <ul data-type="taskList"><li data-type="taskItem" data-checked="true">done</li></ul>
    <p></p><ol start="4"><li></li></ol>`,
  );
  const blocks = json.content ?? [];
  assert.deepEqual(blocks.map((block) => [block.type, bare(block)]), [
    ["paragraph", "text"],
    ["paragraph", "in |a"],
    ["paragraph", "division"],
    ["codeBlock", "a\n  b"],
    ["bulletList", "stray|item"],
    ["paragraph", "lone"],
    ["paragraph", "bold "],
    ["paragraph", "paragraph"],
    ["paragraph", "kept"],
    ["taskList", "done"],
    ["paragraph", ""],
    ["orderedList", ""],
  ]);
  assert.equal(blocks[3]?.attrs?.language, "ts");
  assert.equal(blocks[9]?.content?.[0]?.attrs?.checked, true);
  assert.equal(blocks[11]?.attrs?.start, 4);
  assert.deepEqual(blocks[7]?.content?.[0]?.marks, [{ type: "bold" }]);
});

Deno.test("nothing of HTML runs, and no HTML exhausts the server", () => {
  const json = fromHtml(
    `<script>alert(1)</script><style>p{}</style><a href="javascript:x">a</a><a href=" java\nscript:x">b</a>
    <img src="vbscript:x" alt="no"><p onclick="x">c</p>`,
  );
  assert.doesNotMatch(JSON.stringify(json), /script|onclick|alert|vbscript/);
  assert.deepEqual(typesIn(json).filter((type) => type === "link" || type === "image"), []);
  for (const tag of ["<div>", "<b><p>x", "<ul><li>x", "<table><tr><td>"]) {
    fromHtml(tag.repeat(20_000));
  }
  const long = "<p>word &amp; <b>bold</b></p>".repeat(20_000);
  const { content } = contentOf({ html: long });
  assert.equal(content?.length, 20_000);
  assert.equal(bare(content?.at(-1) ?? {}), "word & |bold");
});

Deno.test("any text is read without failing, into what an editor can hold", () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom(
      ..."<p> </p> <ul> <ol> <li> </li> </ul> <table> <tr> <td> </table> <b> </b> <h1> </h1> <pre> <br>"
        .split(" "),
    ),
  );
  const parents: Record<string, string[]> = {
    listItem: ["bulletList", "orderedList"],
    tableRow: ["table"],
    tableCell: ["tableRow"],
  };
  function check(node: JsonNode): void {
    const isInline = ["paragraph", "heading", "codeBlock"].includes(node.type ?? "");
    for (const child of node.content ?? []) {
      const inner = child.text !== undefined || child.type === "hardBreak";
      assert.equal(inner, isInline, `${child.type} in ${node.type}`);
      const allowed = parents[child.type ?? ""];
      if (allowed) assert.ok(allowed.includes(node.type ?? ""), `${child.type} in ${node.type}`);
      check(child);
    }
  }
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    check(fromHtml(pieces.join("")));
  }));
});
