/** HTML as ProseMirror's JSON in TipTap's names, for notes that have no other text. */
import { type DefaultTreeAdapterTypes as Tree, parseFragment } from "parse5";
import type { JsonMark, JsonNode } from "./prosemirror_json.ts";

/** What is nested deeper is left out: no text may exhaust the stack. */
const MAX_DEPTH = 100;

const MARKS: Record<string, string> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  s: "strike",
  del: "strike",
  strike: "strike",
  u: "underline",
  code: "code",
};
const BLOCKS: Record<string, string> = {
  blockquote: "blockquote",
  li: "listItem",
  ul: "bulletList",
  ol: "orderedList",
  table: "table",
  tr: "tableRow",
  td: "tableCell",
  th: "tableHeader",
};
const BORDERS = new Set([
  "article",
  "aside",
  "dd",
  "div",
  "dl",
  "dt",
  "footer",
  "header",
  "section",
]);
/** What blocks of these types hold; `undefined`: any block. */
const HELD: Record<string, string[] | undefined> = {
  bulletList: ["listItem"],
  orderedList: ["listItem"],
  taskList: ["taskItem"],
  table: ["tableRow"],
  tableRow: ["tableCell", "tableHeader"],
};
/** Blocks that only stand in those that hold them. */
const PARTS = new Set(Object.values(HELD).flatMap((types) => types ?? []));
const IGNORED = new Set(["script", "style", "template", "head", "title"]);
const SAFE_ADDRESS = /^(?:https?:|mailto:|tel:|data:image\/|[^:]*$|[/#?])/i;

type Attributes = Record<string, string>;
type Inline = { inline: JsonNode };
type Block = { block: JsonNode };

/** Elements that the server does not know pass what is in them. */
export function fromHtml(html: string): JsonNode {
  return { type: "doc", content: gathered(children(parseFragment(html), [], 0)) };
}

const attributesOf = ({ attrs }: Tree.Element): Attributes =>
  Object.fromEntries(attrs.map(({ name, value }) => [name, value]));

function children(parent: Tree.ParentNode, marks: JsonMark[], depth: number): (Inline | Block)[] {
  if (depth > MAX_DEPTH) return [];
  return parent.childNodes.flatMap((node) => {
    if ("value" in node) return texts(node.value, marks);
    return "tagName" in node ? element(node, marks, depth) : [];
  });
}

function texts(value: string, marks: JsonMark[]): Inline[] {
  const shown = value.replace(/[ \t\r\n\f]+/g, " ");
  if (shown === "") return [];
  return [{ inline: { type: "text", text: shown, ...(marks.length > 0 ? { marks } : {}) } }];
}

function element(node: Tree.Element, marks: JsonMark[], depth: number): (Inline | Block)[] {
  const { tagName } = node;
  if (IGNORED.has(tagName)) return [];
  const attributes = attributesOf(node);
  const inner = (more: JsonMark[] = marks) => children(node, more, depth + 1);
  if (tagName === "br") return [{ inline: { type: "hardBreak" } }];
  if (tagName === "hr") return [{ block: { type: "horizontalRule" } }];
  if (tagName === "img") return image(attributes);
  if (tagName === "pre") return [{ block: codeBlock(node) }];
  if (tagName === "a") return inner(linked(marks, attributes.href));
  const mark = MARKS[tagName];
  if (mark) {
    return inner(marks.some(({ type }) => type === mark) ? marks : [...marks, { type: mark }]);
  }
  const level = /^h([1-6])$/.exec(tagName)?.[1];
  if (level) return lines({ type: "heading", attrs: { level: Number(level) } }, inner());
  if (tagName === "p") return lines({ type: "paragraph" }, inner());
  const type = BLOCKS[tagName];
  if (type) return [{ block: holder(blockFor(type, attributes), inner()) }];
  // These are borders between paragraphs, not blocks themselves.
  return BORDERS.has(tagName) ? gathered(inner()).map((block) => ({ block })) : inner();
}

function blockFor(type: string, attributes: Attributes): JsonNode {
  const kind = attributes["data-type"];
  if (kind === "taskList") return { type: "taskList" };
  if (kind === "taskItem") {
    return { type: "taskItem", attrs: { checked: attributes["data-checked"] === "true" } };
  }
  if (type === "orderedList") return { type, attrs: { start: Number(attributes.start) || 1 } };
  return { type };
}

function image({ src = "", alt = "" }: Attributes): Inline[] {
  return SAFE_ADDRESS.test(src) ? [{ inline: { type: "image", attrs: { src, alt } } }] : [];
}

function linked(marks: JsonMark[], href: string | undefined): JsonMark[] {
  if (href === undefined || !SAFE_ADDRESS.test(href)) return marks;
  return [...marks.filter(({ type }) => type !== "link"), { type: "link", attrs: { href } }];
}

function codeBlock(pre: Tree.Element): JsonNode {
  const [inner] = pre.childNodes;
  const code = inner && "tagName" in inner && inner.tagName === "code" ? inner : pre;
  const language = /(?:^|\s)language-(\S+)/.exec(attributesOf(code).class ?? "")?.[1] ?? null;
  const text = textIn(pre, 0).replace(/\n$/, "");
  return {
    type: "codeBlock",
    attrs: { language },
    ...(text ? { content: [{ type: "text", text }] } : {}),
  };
}

function textIn(parent: Tree.ParentNode, depth: number): string {
  if (depth > MAX_DEPTH) return "";
  return parent.childNodes.map((node) =>
    "value" in node ? node.value : "childNodes" in node ? textIn(node, depth + 1) : ""
  ).join("");
}

/** A block of text; blocks that stand in it, as no editor has them, part it. */
function lines(block: JsonNode, items: (Inline | Block)[]): Block[] {
  const all = runs(items).map((run): Block =>
    "block" in run ? run : { block: withContent(block, trimmed(run.inline)) }
  );
  return all.length > 0 ? all : [{ block }];
}

/** A block of blocks. What may not stand in it is put into a part that may. */
function holder(block: JsonNode, items: (Inline | Block)[]): JsonNode {
  const held = HELD[block.type ?? ""];
  if (!held) {
    const content = gathered(items);
    return { ...block, content: content.length > 0 ? content : [{ type: "paragraph" }] };
  }
  const content = runs(items).flatMap((run): JsonNode[] => {
    if ("block" in run && held.includes(run.block.type ?? "")) return [run.block];
    const inner = gathered("block" in run ? [run] : run.inline.map((inline) => ({ inline })));
    return inner.length > 0 ? [{ type: held[0] ?? "paragraph", content: inner }] : [];
  });
  return { ...block, content };
}

/** Blocks as they are, text between them as paragraphs, and of stray parts what is in them. */
function gathered(items: (Inline | Block)[]): JsonNode[] {
  return runs(items).flatMap((run) => {
    if ("inline" in run) {
      const content = trimmed(run.inline);
      return content.length > 0 ? [{ type: "paragraph", content }] : [];
    }
    return unpacked(run.block);
  });
}

/** A stray part is taken for what is in it, and so are the parts in it: a row without a table. */
function unpacked(block: JsonNode): JsonNode[] {
  return PARTS.has(block.type ?? "") ? (block.content ?? []).flatMap(unpacked) : [block];
}

function runs(items: (Inline | Block)[]): ({ inline: JsonNode[] } | Block)[] {
  const all: ({ inline: JsonNode[] } | Block)[] = [];
  for (const item of items) {
    const last = all.at(-1);
    if ("block" in item) all.push(item);
    else if (last && "inline" in last) last.inline.push(item.inline);
    else all.push({ inline: [item.inline] });
  }
  return all;
}

const withContent = (block: JsonNode, content: JsonNode[]): JsonNode =>
  content.length > 0 ? { ...block, content } : block;

/** Without the space around it, which HTML does not show. */
function trimmed(inline: JsonNode[]): JsonNode[] {
  const last = inline.length - 1;
  return inline.map((node, at) => {
    if (node.text === undefined) return node;
    const start = at === 0 ? node.text.trimStart() : node.text;
    return { ...node, text: at === last ? start.trimEnd() : start };
  }).filter(({ text }) => text !== "");
}
