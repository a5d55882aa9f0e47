/** Documents of every kind that the schema has, with the texts that Markdown and HTML trip over. */
import fc from "fast-check";
import type { JsonMark, JsonNode } from "../../lib/note_schema/json_node.ts";

const AWKWARD = [
  ..."1. x|---|- x|+ x|# x|> x|`a`|``|```|*|**|_|~~|~|\\|[x](y)|![x](y)|<b>|</p>|<!-- -->|&amp;|&|a|b"
    .split("|"),
  ...["|", "a | b", " a", "a ", "  ", " ", "foo ", "bar", "1)", "10.", "[ ] x", "[x]", "===", "\t"],
  ...[
    "http://a.example",
    "www.a.example",
    "a@b.example",
    "a\nb",
    "<wbr>",
    "x*y_z",
    "é",
    "漢字",
    "。",
  ],
  ...["😀", "\u00a0", "\u2003", "&#32;", "\\*", "a\\", "!", "(", ")", ":", "]: x", "[^1]", "$x$"],
];
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...AWKWARD) },
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.array(fc.constantFrom(...AWKWARD), { minLength: 1, maxLength: 4 }).map((all) => all.join("")),
  fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }),
);
const address = fc.constantFrom(
  ...'https://a.example|https://a.example/(b)|/x y|#a|https://a.example/?a=1&b=%20|/a*b_c|<x>|/"q"|/a\\b|mailto:a@b.example'
    .split("|"),
);
const color = fc.constantFrom("#ff0000", "red", "rgb(1, 2, 3)", "var(--x)");

const mark: fc.Arbitrary<JsonMark> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("bold", "italic", "strike").map((type) => ({ type })),
  },
  fc.constantFrom("underline", "subscript", "superscript").map((type) => ({ type })),
  fc.record({ href: address, title: fc.option(text) }).map((attrs) => ({ type: "link", attrs })),
  fc.record({ color: fc.option(color) }).map((attrs) => ({ type: "highlight", attrs })),
  fc.record({
    color: fc.option(color),
    fontSize: fc.constantFrom(null, "12px"),
    fontFamily: fc.constantFrom(null, "Georgia, serif"),
  }).map((attrs) => ({ type: "textStyle", attrs })),
);
const several = fc.uniqueArray(mark, { maxLength: 3, selector: ({ type }) => type });
const marks: fc.Arbitrary<JsonMark[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<JsonMark[]>([]) },
  several,
  several.map((all) => [...all, { type: "code" }]),
);
const words = fc.record({ text, marks }).map((all): JsonNode => ({ type: "text", ...all }));
const picture = fc.record({
  src: fc.oneof(address, fc.constant("data:image/png;base64,AA==")),
  alt: fc.option(text),
  title: fc.option(text),
}).map((attrs): JsonNode => ({ type: "image", attrs }));
const inline: fc.Arbitrary<JsonNode> = fc.oneof(
  { weight: 8, arbitrary: words },
  fc.constant({ type: "hardBreak" }),
  picture,
  fc.record({ id: text, label: fc.option(text), mentionSuggestionChar: fc.constantFrom("@", "#") })
    .map((attrs) => ({ type: "mention", attrs })),
);
const line = fc.array(inline, { maxLength: 5 });
const paragraph = line.map((content): JsonNode => ({ type: "paragraph", content }));
const code = fc.oneof(
  text,
  fc.constantFrom("", "```\nx\n```", "~~~", "a\n\nb", "\n", "  a\n", "a\n", "</pre>", "\ta"),
);

function listOf(list: string, item: string, attrs: fc.Arbitrary<JsonNode["attrs"]>) {
  return (block: fc.Arbitrary<JsonNode>) =>
    fc.record({
      attrs,
      items: fc.array(
        fc.record({
          checked: fc.boolean(),
          first: paragraph,
          rest: fc.array(block, { maxLength: 2 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }).map(({ attrs, items }): JsonNode => ({
      type: list,
      ...(attrs && { attrs }),
      content: items.map(({ checked, first, rest }) => ({
        type: item,
        ...(item === "taskItem" && { attrs: { checked } }),
        content: [first, ...rest],
      })),
    }));
}

const cell = (block: fc.Arbitrary<JsonNode>) =>
  fc.oneof(
    { weight: 6, arbitrary: paragraph.map((one) => [one]) },
    fc.array(block, { minLength: 1, maxLength: 2 }),
  );
const aligned = fc.constantFrom(null, "left", "center", "right");

/** A table as Markdown has them, or one with spans and headers anywhere. */
function tableOf(block: fc.Arbitrary<JsonNode>): fc.Arbitrary<JsonNode> {
  return fc.record({
    width: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 3 }),
    aligns: fc.array(aligned, { minLength: 3, maxLength: 3 }),
    isOdd: fc.boolean(),
    cells: fc.array(cell(block), { minLength: 9, maxLength: 9 }),
  }).map(({ width, height, aligns, isOdd, cells }) => ({
    type: "table",
    content: Array.from({ length: height }, (_, y) => ({
      type: "tableRow",
      content: Array.from({ length: width }, (_, x) => ({
        type: (y === 0) !== (isOdd && x === 1) ? "tableHeader" : "tableCell",
        attrs: {
          align: aligns[x] ?? null,
          ...(isOdd && x === 0 && y === 0 && { colspan: 2, colwidth: [100, 50] }),
        },
        content: cells[y * 3 + x] ?? [],
      })),
    })),
  }));
}

export const block: fc.Arbitrary<JsonNode> = fc.letrec<{ block: JsonNode }>((tie) => {
  const inner = tie("block");
  return {
    block: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      paragraph,
      fc.record({ level: fc.integer({ min: 1, max: 6 }), content: line })
        .map(({ level, content }): JsonNode => ({ type: "heading", attrs: { level }, content })),
      fc.constant<JsonNode>({ type: "horizontalRule" }),
      fc.record({
        language: fc.constantFrom(null, "ts", "c++", "a b", "x`y", "~"),
        code,
      }).map(({ language, code }): JsonNode => ({
        type: "codeBlock",
        attrs: { language },
        ...(code && { content: [{ type: "text", text: code }] }),
      })),
      picture,
      fc.array(inner, { minLength: 1, maxLength: 3 })
        .map((content): JsonNode => ({ type: "blockquote", content })),
      listOf("bulletList", "listItem", fc.constant(undefined))(inner),
      listOf(
        "orderedList",
        "listItem",
        fc.record({
          start: fc.constantFrom(1, 1, 0, 5, 9, 10, 99),
          type: fc.constantFrom(null, null, "a"),
        }),
      )(inner),
      listOf("taskList", "taskItem", fc.constant(undefined))(inner),
      tableOf(inner),
      fc.record({
        summary: fc.array(words, { maxLength: 2 }),
        body: fc.array(inner, { minLength: 1, maxLength: 2 }),
      })
        .map(({ summary, body }): JsonNode => ({
          type: "details",
          content: [
            { type: "detailsSummary", content: summary },
            { type: "detailsContent", content: body },
          ],
        })),
    ),
  };
}).block;

export const document: fc.Arbitrary<JsonNode> = fc.array(block, { minLength: 1, maxLength: 5 })
  .map((content) => ({ type: "doc", content }));
