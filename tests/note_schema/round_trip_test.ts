import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHtml } from "../../lib/note_schema/html_reader.ts";
import { toHtml } from "../../lib/note_schema/html_writer.ts";
import type { JsonNode } from "../../lib/note_schema/json_node.ts";
import { documentOf, jsonOfDocument } from "../../lib/note_schema/lenient.ts";
import { fromMd } from "../../lib/note_schema/markdown_reader.ts";
import { contentOf } from "../../lib/note_schema/note_content.ts";
import { toMd } from "../../lib/note_schema/markdown_writer.ts";
import { document } from "./documents.ts";

/** fast-check prints the seed of a failing run; `SEED` repeats it, `RUNS` makes it longer. */
const seed = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(Deno.env.get("RUNS") ?? 400);

/** As an editor would have it: checked against the schema, its defaults filled in. */
function edited(raw: JsonNode): JsonNode {
  const doc = documentOf(raw);
  doc.check();
  return jsonOfDocument(doc);
}

for (
  const [name, write, read] of [["Markdown", toMd, fromMd], ["HTML", toHtml, fromHtml]] as const
) {
  Deno.test(`N3: ${name} that is written from any document means that document`, () => {
    fc.assert(
      fc.property(document, (raw) => {
        const json = edited(raw);
        assert.deepEqual(read(write(json)), json);
      }),
      { seed, numRuns },
    );
  });

  Deno.test(`N3: whatever is read as ${name} is a document of the schema`, () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom(
        ..."<p> </p> <ul> <ol> <li> </li> </ul> <table> <tr> <td> </table> <b> </b> <h1> <pre> <br>"
          .split(" "),
        ...["\n\n", "\n", "- ", "1. ", "> ", "# ", "```\n", "| a | b |\n|---|---|\n", "  ", "[x] "],
        ...["<details>", "<summary>", "</details>", "<img src=x>", "![a](b)", "[a](b)", "**", "`"],
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const json = read(pieces.join(""));
        const doc = documentOf(json);
        doc.check();
        assert.doesNotMatch(
          JSON.stringify(doc.toJSON()),
          /"unknown(Block|Inline|Mark)"|looseListItem/,
        );
      }),
      { seed, numRuns },
    );
  });
}

const said = (md: string) => toMd(fromMd(md));

Deno.test("N3: code keeps what stands around it, a link's address for one", () => {
  for (const md of ["[`code`](https://a.example)", "**`bold`**", "**a `b` c**", "~~`x`~~ *`y`*"]) {
    assert.equal(said(md).trim(), md);
  }
});

Deno.test("N1: an empty JSON beside words does not hide them", () => {
  const json = { type: "doc", content: [] };
  assert.deepEqual(contentOf({ json, md: "words" }), fromMd("words"));
  assert.deepEqual(contentOf({ json, md: "", html: "<p>words</p>" }), fromMd("words"));
  assert.deepEqual(contentOf({ json, md: "", html: "" }), json);
});

Deno.test("N3: what is written as Markdown is what a person would write, too", () => {
  const md = [
    "# Title",
    "A **bold** and *italic* ~~word~~ with `code`, a [link](https://a.example) and <u>more</u>.",
    "- one\n- two\n  - inner",
    "10. ten\n    - child\n11. eleven",
    "- [x] done\n  - [ ] nested\n- [ ] open",
    "> quoted",
    "```ts\nconst a = 1;\n```",
    "---",
    "| left | right | middle |\n| :- | -: | :-: |\n| 1 | a \\| b | `x` |",
    '![a picture](https://a.example/p.png "its title")',
    "<details><summary>more</summary>\n\n- hidden\n\n</details>",
    "one\\\ntwo",
  ].join("\n\n");
  assert.equal(said(md), md);
  assert.equal(said("foo **bar **baz"), "foo \\*\\*bar \\*\\*baz");
  assert.equal(said("5. five\n\n   more"), "5. five\n\n   more");
  assert.equal(said("1\\. x"), "1\\. x");
});

Deno.test("N1: a list item that begins with code, and other beginnings, keep their place", () => {
  for (const inner of ["```\ncode\n```", "# heading", "> quote", "- list", "![picture](/p.png)"]) {
    const md = `- ${inner.replaceAll("\n", "\n  ")}`;
    const [list] = fromMd(md).content ?? [];
    const [first, second] = list?.content?.[0]?.content ?? [];
    assert.equal(list?.type, "bulletList");
    assert.deepEqual(first, { type: "paragraph" }, inner);
    assert.ok(second && second.type !== "paragraph", inner);
    assert.equal(said(md), md);
  }
});

Deno.test("N2: what another editor wrote is shown with its text, and given back as it was", () => {
  const odd: JsonNode = {
    type: "doc",
    content: [
      {
        type: "kanban",
        attrs: { columns: [1, { a: true }] },
        content: [{ type: "text", text: "card" }],
      },
      {
        type: "paragraph",
        attrs: { dir: "rtl" },
        content: [
          {
            type: "text",
            text: "glows",
            marks: [{ type: "glow", attrs: { level: 3 } }, { type: "bold" }],
          },
          { type: "emoji", attrs: { name: "smile" } },
          { type: "paragraph", content: [{ type: "text", text: "a paragraph in a paragraph" }] },
        ],
      },
      {
        type: "listItem",
        content: [{ type: "paragraph", content: [{ type: "text", text: "stray" }] }],
      },
      {
        type: "heading",
        attrs: { level: 9, textAlign: "center" },
        content: [{ type: "text", text: "nine" }],
      },
      {
        type: "bulletList",
        content: [{
          type: "listItem",
          content: [{ type: "codeBlock", content: [{ type: "text", text: "x" }] }],
        }],
      },
    ],
  };
  const doc = documentOf(odd);
  doc.check();
  assert.deepEqual(
    jsonOfDocument(doc).content?.map(({ type }) => type),
    odd.content?.map(({ type }) => type),
  );
  assert.deepEqual(jsonOfDocument(documentOf(jsonOfDocument(doc))), jsonOfDocument(doc));
  const [kanban, paragraph, stray, heading] = jsonOfDocument(doc).content ?? [];
  assert.deepEqual(kanban, odd.content?.[0]);
  assert.equal(paragraph?.attrs?.dir, "rtl");
  assert.deepEqual(paragraph?.content?.slice(1), odd.content?.[1]?.content?.slice(1));
  assert.deepEqual(stray, odd.content?.[2]);
  assert.deepEqual(heading?.attrs, { level: 9, textAlign: "center" });
  const html = toHtml(odd);
  for (const text of ["card", "glows", "a paragraph in a paragraph", "stray", "nine"]) {
    assert.ok(html.includes(`>${text}<`), text);
    assert.ok(toMd(odd).includes(text), text);
  }
  const known = jsonOfDocument(doc);
  assert.deepEqual(fromHtml(html).content?.slice(0, 3), known.content?.slice(0, 3));
});
