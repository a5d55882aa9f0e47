/**
 * A document as Markdown that means the document again. What Markdown has no word for stands in it
 * as HTML; a block whose Markdown would be read as something else is HTML as a whole.
 */
import type { AlignType, List, ListItem, PhrasingContent, RootContent, TableRow } from "mdast";
import { gfmStrikethroughToMarkdown } from "mdast-util-gfm-strikethrough";
import { gfmTableToMarkdown } from "mdast-util-gfm-table";
import { type Options, toMarkdown } from "mdast-util-to-markdown";
import type { Node } from "prosemirror-model";
import { nodeHtml } from "./html_writer.ts";
import type { JsonNode } from "./json_node.ts";
import { documentOf, jsonOf } from "./lenient.ts";
import { html, htmlLine, inlineContent, pictureContent } from "./markdown_inline.ts";
import { fromMd } from "./markdown_reader.ts";
import { UNKNOWN_ATTRS } from "./unknown_nodes.ts";

/** A longer block is HTML, which needs no second look. */
const MAX_CHECKED_SIZE = 64 * 1024;

const options: Options = {
  ...{ bullet: "-", bulletOther: "*", bulletOrdered: ".", rule: "-", listItemIndent: "one" },
  ...{ resourceLink: true, fences: true, incrementListMarker: true },
  // A bare address is a link to a reader; one that is none in the document is kept from it.
  unsafe: [{
    ...{ character: ":", before: "[ps]", after: "\\/", inConstruct: "phrasing" },
    notInConstruct: ["autolink", "link", "image", "label"],
  }],
  extensions: [gfmTableToMarkdown({ tablePipeAlign: false }), gfmStrikethroughToMarkdown()],
};

const isPlain = ({ attrs }: Node) => !attrs[UNKNOWN_ATTRS];
const isEmptyParagraph = (node: Node | null | undefined) =>
  node?.type.name === "paragraph" && node.childCount === 0 && isPlain(node);
const blockHtml = (node: Node) => [html(nodeHtml(node))];
const flat = (nodes: readonly Node[]) => nodes.flatMap(blockContent);

function blockContent(node: Node): RootContent[] {
  if (!isPlain(node)) return blockHtml(node);
  switch (node.type.name) {
    case "paragraph":
      return paragraph(node);
    case "heading":
      return [{
        ...{ type: "heading", depth: node.attrs.level },
        children: inlineContent(node.children, { isOneLine: true }),
      }];
    case "image":
      return [{ type: "paragraph", children: [pictureContent(node)] }];
    case "codeBlock":
      return code(node);
    case "horizontalRule":
      return [{ type: "thematicBreak" }];
    case "blockquote":
      return [{ type: "blockquote", children: flat(node.children) as never }];
    case "bulletList":
    case "orderedList":
    case "taskList":
      return node.attrs.type ? blockHtml(node) : [list(node)];
    case "table":
      return table(node);
    case "details":
      return details(node);
    default:
      return blockHtml(node);
  }
}

/** A paragraph that would not be one to a reader: nothing to see, or a picture alone. */
const isFleeting = ({ children }: Node) =>
  children.every(({ type, isText, text = "" }) =>
    isText ? text.trim() === "" : type.name === "hardBreak"
  ) || children.every(({ type }) => type.name === "inlineImage");

function paragraph(node: Node): RootContent[] {
  if (isFleeting(node)) return blockHtml(node);
  return [{ type: "paragraph", children: inlineContent(node.children) }];
}

function code(node: Node): RootContent[] {
  const { language } = node.attrs;
  const isSayable = (language === null || /^[^\s`~\\&]+$/.test(language)) &&
    // deno-lint-ignore no-control-regex -- Markdown changes or drops these
    !/[\u0000-\u0008\u000b-\u001f]/.test(node.textContent);
  return isSayable ? [{ type: "code", lang: language, value: node.textContent }] : blockHtml(node);
}

function list(node: Node): List {
  const isOrdered = node.type.name === "orderedList";
  const children = node.children.map(item);
  return {
    ...{
      type: "list",
      ordered: isOrdered,
      spread: children.some(({ spread }) => spread),
      children,
    },
    ...(isOrdered && { start: node.attrs.start }),
  };
}

function item(node: Node): ListItem {
  const isTask = node.type.name === "taskItem";
  const [first, ...rest] = node.children;
  const next = rest[0];
  // The schema wants a paragraph first; a reader puts it there when there is none.
  const isImplied = isEmptyParagraph(first) && next && next.type.name !== "paragraph" && !isTask;
  const children = isImplied ? flat(rest) : flat(node.children);
  if (isTask && first) {
    const box = html(node.attrs.checked ? "[x] " : "[ ] ");
    children.splice(0, 1, { type: "paragraph", children: [box, ...inlineContent(first.children)] });
  }
  return { type: "listItem", spread: !isTight(children), children: children as never };
}

/** A line with at most one list under it, which begins as a list within a paragraph may. */
function isTight([first, second, ...more]: readonly RootContent[]): boolean {
  if (first?.type !== "paragraph" || more.length > 0) {
    return second === undefined && more.length === 0;
  }
  return !second || (second.type === "list" && (!second.ordered || second.start === 1));
}

/** A paragraph with words or nothing, or a picture. */
function isLine({ childCount, firstChild }: Node): boolean {
  if (childCount !== 1 || !firstChild || !isPlain(firstChild)) return false;
  if (firstChild.type.name === "image") return true;
  return firstChild.type.name === "paragraph" &&
    (firstChild.childCount === 0 || !isFleeting(firstChild));
}

function lineContent(cell: Node): PhrasingContent[] {
  const { firstChild } = cell;
  if (firstChild?.type.name === "image") return [pictureContent(firstChild)];
  return inlineContent(firstChild?.children ?? [], { isOneLine: true });
}

/** Markdown's tables: a row of headers, then cells, each a line, aligned by column. */
function table(node: Node): RootContent[] {
  const rows = node.children.map(({ children }) => children);
  const head = rows[0] ?? [];
  const isSayable = isPlain(node) && head.length > 0 &&
    rows.every((cells, y) =>
      cells.length === head.length && cells.every((cell, x) => {
        const { align, colspan, rowspan, colwidth } = cell.attrs;
        return cell.type.name === (y === 0 ? "tableHeader" : "tableCell") && isPlain(cell) &&
          align === head[x]?.attrs.align && align !== "justify" &&
          colspan === 1 && rowspan === 1 && colwidth === null && isLine(cell);
      })
    );
  if (!isSayable || !node.children.every(isPlain)) return blockHtml(node);
  const children = rows.map((cells): TableRow => ({
    type: "tableRow",
    children: cells.map((cell) => ({
      type: "tableCell",
      children: lineContent(cell),
    })),
  }));
  return [{ type: "table", align: head.map(({ attrs }) => attrs.align as AlignType), children }];
}

/** The summary is HTML, the text in it Markdown. */
function details(node: Node): RootContent[] {
  const [summary, content] = node.children;
  if (!summary || !content || !isPlain(summary) || !isPlain(content)) return blockHtml(node);
  return [
    html(`<details>${nodeHtml(summary)}`),
    ...flat(content.children),
    html("</details>"),
  ];
}

/** The sign with which a list begins; `undefined` for any other text. */
const signOf = (md: string) => /^(?:([-*+])|\d+([.)])) /.exec(`${md} `)?.slice(1).join("");

/** Letters, and between them what is never a sign of Markdown's: as most paragraphs are. */
const PROSE = /^\p{L}(?:[\p{L}\p{N},.;?'"()%]|[ -](?=[\p{L}\p{N}'"(]))*$/u;

/**
 * What has been written lately, by the block that it means: a note is saved again and again, and
 * most of it is what it was. The oldest goes first.
 */
const written = new Map<string, string>();
const MAX_WRITTEN_LENGTH = 16 * 1024 * 1024;
let writtenLength = 0;

function remembered(key: string, write: () => string): string {
  const known = written.get(key);
  if (known !== undefined) return known;
  const md = write();
  written.set(key, md);
  writtenLength += key.length + md.length;
  for (const [oldest, text] of written) {
    if (writtenLength <= MAX_WRITTEN_LENGTH) break;
    written.delete(oldest);
    writtenLength -= oldest.length + text.length;
  }
  return md;
}

/** One block; a list after a list has other signs, so that it is not taken for more of the same. */
function blockMd(node: Node, previous: string | undefined): string {
  const asHtml = () => htmlLine(nodeHtml(node));
  if (node.nodeSize > MAX_CHECKED_SIZE && node.type.name !== "codeBlock") return asHtml();
  const isOrdered = node.type.name === "orderedList";
  const before = isOrdered || /List$/.test(node.type.name) ? signOf(previous ?? "") : undefined;
  const { firstChild } = node;
  const isProse = node.type.name === "paragraph" && isPlain(node) && node.childCount === 1 &&
    firstChild?.marks.length === 0 && PROSE.test(firstChild.text ?? "");
  if (isProse) return node.textContent;
  const json = JSON.stringify(jsonOf(node));
  return remembered(`${before} ${json}`, () => {
    const md = toMarkdown({ type: "root", children: blockContent(node) }, {
      ...options,
      ...(!isOrdered && before === "-" && { bullet: "*", bulletOther: "-" }),
      ...(isOrdered && before === "." && { bulletOrdered: ")" }),
    }).replace(/\n$/, "");
    const isDoubtful = before !== undefined && signOf(md) === before;
    const { content } = fromMd(md);
    return JSON.stringify(content) === json && !isDoubtful ? md : asHtml();
  });
}

/** A document with nothing but an empty paragraph is an empty text. */
export function toMd(json: JsonNode): string {
  const blocks = documentOf(json).children;
  if (blocks.length === 1 && isEmptyParagraph(blocks[0])) return "";
  const texts: string[] = [];
  for (const node of blocks) texts.push(blockMd(node, texts.at(-1)));
  return texts.join("\n\n");
}
