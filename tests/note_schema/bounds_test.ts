import assert from "node:assert/strict";
import * as Y from "yjs";
import { SpentTime } from "../../lib/common/spent_time.ts";
import { replaceContent } from "../../lib/documents/replace_content.ts";
import { contentOf, snapshotFrom } from "../../lib/note_schema/note_content.ts";
import { FRAGMENT, toJson } from "../../lib/note_schema/yjs_content.ts";
import type { JsonNode } from "../../lib/note_schema/json_node.ts";
import { textOf } from "../documents/fixture.ts";

/** Far above what any of them takes, far below what they took: minutes and more. */
const LIMIT_MS = 5_000;

function parsed(snapshot: { md?: string; html?: string }): JsonNode {
  // What other processes take of the machine meanwhile is none of the text's doing.
  const time = new SpentTime();
  const content = contentOf(snapshot);
  const tookMs = time.ms;
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

Deno.test("X2: HTML whose repair takes millions of elements is read in time, with its text", () => {
  for (const times of [1_000, 4_000, 7_000, 40_000]) {
    for (
      const piece of [
        "<b id=ID><p>",
        "<i class=ID><div>x",
        "<a href=ID><table>",
        "<font size=ID><p>",
      ]
    ) {
      const html = Array.from({ length: times }, (_, at) => piece.replace("ID", String(at))).join(
        "",
      );
      const content = parsed({ html: `before ${html} after` });
      assert.match(textOf(content), /before[^]*after/);
    }
  }
  const md = Array.from({ length: 7_000 }, (_, at) => `<b id=${at}><p>`).join("");
  assert.match(textOf(parsed({ md: `before ${md} after` })), /before[^]*after/);
});

Deno.test("X14: what is nested without end is cut off, in content, attributes and marks", () => {
  const deep = (make: (inner: unknown) => unknown, inner: unknown = "x") => {
    for (let depth = 0; depth < 100_000; depth++) inner = make(inner);
    return inner;
  };
  const nodes = [
    deep((inner) => ({ type: "blockquote", content: [inner] }), { type: "paragraph" }),
    { type: "paragraph", attrs: { odd: deep((inner) => [inner]) } },
    {
      type: "paragraph",
      content: [{
        type: "text",
        text: "kept",
        marks: [{ type: "glow", attrs: deep((inner) => ({ inner })) }],
      }],
    },
  ] as JsonNode[];
  const content = contentOf({ json: { type: "doc", content: nodes } });
  assert.ok(JSON.stringify(content).length < 100_000);
  const { md, html } = snapshotFrom(content);
  assert.match(`${md}`, /kept/);
  assert.match(`${html}`, /kept/);
  const doc = new Y.Doc();
  doc.transact(() => replaceContent(doc.getXmlFragment(FRAGMENT), content));
  assert.match(JSON.stringify(toJson(doc.getXmlFragment(FRAGMENT))), /kept/);
});
