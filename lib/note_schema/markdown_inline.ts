/** What stands in a line, as Markdown; where Markdown has no word for it, or a doubtful one, as HTML. */
import type { PhrasingContent } from "mdast";
import type { Mark, Node } from "prosemirror-model";
import { characterElement, markHtml, nodeHtml } from "./html_writer.ts";
import { UNKNOWN_ATTRS } from "./unknown_nodes.ts";

const DELIMITED = { bold: "strong", italic: "emphasis", strike: "delete" } as const;
const isDelimited = (name: string): name is keyof typeof DELIMITED => name in DELIMITED;
/** What a parser of Markdown would take for something else, or trim. */
// deno-lint-ignore no-control-regex -- these are what it is about
const FRAGILE = /[\u0000-\u001f\u007f]|[^\S ]|[\u0085\ufeff]/g;
const SPACE = /\s/;
const WORD = /[\p{L}\p{N}]/u;

/** HTML in one line, with nothing that Markdown might see in it. */
export const htmlLine = (html: string): string =>
  html.replaceAll("\n", "&#10;").replaceAll("|", "&#124;");
export const html = (value: string) => ({ type: "html", value: htmlLine(value) }) as const;

/** An element in a line. Its text is Markdown to a parser: every sign in it is written as a number. */
function inlineElement(node: Node): PhrasingContent {
  const [, open = "", inner = "", close = ""] =
    /^(<[^>]*>)(?:([^]*)(<\/\w+>))?$/.exec(nodeHtml(node)) ?? [];
  const numbered = inner.replace(/&amp;/g, "&").replace(/&lt;/g, "<").replace(/&gt;/g, ">")
    .replace(/[^\p{L}\p{N} ]/gu, (one) => `&#${one.codePointAt(0)};`);
  return html(open + numbered + close);
}

function textContent(text: string): PhrasingContent[] {
  const parts: PhrasingContent[] = [];
  let end = 0;
  for (const { 0: one, index } of text.matchAll(FRAGILE)) {
    if (index > end) parts.push({ type: "text", value: text.slice(end, index) });
    const code = one.charCodeAt(0);
    parts.push(html(code < 0x80 ? characterElement(one) : `&#${code};`));
    end = index + one.length;
  }
  if (end < text.length) parts.push({ type: "text", value: text.slice(end) });
  return parts;
}

/** An address that the writer of Markdown and its readers understand alike. */
const isSimpleAddress = (address: unknown) =>
  typeof address === "string" && !/[<>\\\s]/.test(address);
const isPlain = ({ attrs }: Node | Mark) => !attrs[UNKNOWN_ATTRS];

export function pictureContent(node: Node): PhrasingContent {
  const { src, alt, title, width, height } = node.attrs;
  const isSimple = isPlain(node) && isSimpleAddress(src) && width === null && height === null &&
    alt !== "" && title !== "";
  return isSimple ? { type: "image", url: src, alt, title } : inlineElement(node);
}

/** The character at the border of a node, as a parser sees it; `<` for what is no text. */
function borderOf(node: Node | undefined, at: 0 | -1): string {
  if (!node) return " ";
  if (!node.isText || node.marks.some(({ type }) => type.name === "code")) return "<";
  return [...node.text ?? ""].at(at) ?? " ";
}

/**
 * Whether signs around the run would be read as what they mean: not beside a space within, and not
 * between a word without and a sign within.
 */
function canBeDelimited(nodes: readonly Node[], from: number, end: number, depth: number): boolean {
  const isNested = (node: Node | undefined) => (node?.marks.length ?? 0) > depth + 1;
  const sides = [
    [nodes[from], borderOf(nodes[from], 0), nodes[from - 1], borderOf(nodes[from - 1], -1)],
    [nodes[end - 1], borderOf(nodes[end - 1], -1), nodes[end], borderOf(nodes[end], 0)],
  ] as const;
  return sides.every(([inner, within, outer, without]) => {
    if (SPACE.test(within)) return false;
    if ((outer?.marks.length ?? 0) > depth) return false;
    return (WORD.test(within) && !isNested(inner)) || !WORD.test(without);
  });
}

function isSimpleLink(mark: Mark): boolean {
  const { href, target, rel, title } = mark.attrs;
  const isUsual = target === "_blank" && rel === "noopener noreferrer nofollow";
  return isPlain(mark) && isUsual && mark.attrs.class === null && isSimpleAddress(href) &&
    title !== "";
}

interface Where {
  /** Whether a line break would end what it stands in: a heading, a cell of a table. */
  isOneLine: boolean;
}

function breakContent(nodes: readonly Node[], at: number, { isOneLine }: Where): PhrasingContent {
  const isBetween = [nodes[at - 1], nodes[at + 1]].every((node) => node?.isText);
  return isBetween && !isOneLine ? { type: "break" } : html("<br>");
}

function marked(
  nodes: readonly Node[],
  [from, end]: [number, number],
  depth: number,
  where: Where,
): PhrasingContent[] {
  const mark = nodes[from]?.marks[depth];
  if (!mark) return [];
  const { name } = mark.type;
  const run = nodes.slice(from, end);
  const children = () => inlineContent(run, where, depth + 1);
  if (isPlain(mark) && isDelimited(name) && canBeDelimited(nodes, from, end, depth)) {
    return [{ type: DELIMITED[name], children: children() }];
  }
  const text = run.map((node) => node.text ?? "").join("");
  const isOnlyText = run.every((node) => node.isText && node.marks.length === depth + 1);
  if (name === "code" && isPlain(mark) && isOnlyText && !text.match(FRAGILE)) {
    return [{ type: "inlineCode", value: text }];
  }
  if (name === "link" && isSimpleLink(mark)) {
    return [{
      ...{ type: "link", url: mark.attrs.href, title: mark.attrs.title },
      children: children() as never,
    }];
  }
  const { open, close } = markHtml(mark);
  return [html(open), ...children(), html(close)];
}

/** The nodes of a line, those that share a mark within one element. */
export function inlineContent(
  nodes: readonly Node[],
  where: Where = { isOneLine: false },
  depth = 0,
): PhrasingContent[] {
  const all: PhrasingContent[] = [];
  for (let at = 0; at < nodes.length;) {
    const node = nodes[at];
    const mark = node?.marks[depth];
    let end = at + 1;
    if (mark) {
      while (nodes[end]?.marks[depth]?.eq(mark)) end++;
      all.push(...marked(nodes, [at, end], depth, where));
    } else if (node?.isText) {
      all.push(...textContent(node.text ?? ""));
    } else if (node?.type.name === "hardBreak" && isPlain(node)) {
      all.push(breakContent(nodes, at, where));
    } else if (node) {
      all.push(node.type.name === "inlineImage" ? pictureContent(node) : inlineElement(node));
    }
    at = end;
  }
  return all;
}
