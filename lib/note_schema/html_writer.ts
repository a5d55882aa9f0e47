/** A document as HTML, by the schema's own rendering: what TipTap's editor itself would export. */
import type { DOMOutputSpec, Mark, Node } from "prosemirror-model";
import type { JsonNode } from "./json_node.ts";
import { documentOf } from "./lenient.ts";
import { UNKNOWN_ATTRS } from "./unknown_nodes.ts";

const VOID = new Set(["br", "col", "hr", "img", "input", "wbr"]);
/** What HTML changes or swallows in a text: each stands in an element of its own. */
// deno-lint-ignore no-control-regex -- these are what it is about
const FRAGILE = /[\u0000-\u001f\u007f]/g;
// deno-lint-ignore no-control-regex -- as above; code keeps its tabs and line breaks
const FRAGILE_IN_CODE = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
export const escapeAttribute = (text: string): string =>
  escapeHtml(text).replaceAll('"', "&quot;").replace(FRAGILE, (one) => `&#${one.charCodeAt(0)};`);
/** An element that stands for a character which a text can't carry. */
export const characterElement = (one: string): string => `<wbr data-char="${one.charCodeAt(0)}">`;

export function attributesHtml(attrs: Readonly<Record<string, unknown>>): string {
  return Object.entries(attrs)
    .filter(([, value]) => value !== null && value !== undefined && value !== false)
    .map(([name, value]) => ` ${name}="${escapeAttribute(String(value))}"`).join("");
}

type Attributes = Record<string, unknown>;
const isAttributes = (value: unknown): value is Attributes =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The element that a rendering describes, around `inner`. */
function element(
  spec: DOMOutputSpec,
  inner: string,
  more: Attributes = {},
  defaults: Attributes = {},
): string {
  if (typeof spec === "string") return escapeHtml(spec);
  if (!Array.isArray(spec)) return inner;
  const [tag, second, ...rest] = spec as [string, ...unknown[]];
  const attrs = isAttributes(second) ? { ...defaults, ...second, ...more } : more;
  const parts = isAttributes(second) || second === undefined ? rest : [second, ...rest];
  const html = parts.map((part) => part === 0 ? inner : element(part as DOMOutputSpec, inner));
  const open = `<${tag}${attributesHtml(attrs)}>`;
  return VOID.has(tag) ? open : `${open}${html.join("")}</${tag}>`;
}

/** What the rendering itself does not say of a node or mark. */
function more({ type, attrs }: Node | Mark): Attributes {
  // Of an attribute that the schema knows, what it does not take is nothing to export: a script's address.
  const unknown = Object.entries(attrs[UNKNOWN_ATTRS] ?? {})
    .filter(([name]) => !Object.hasOwn(type.spec.attrs ?? {}, name));
  if (unknown.length === 0) return {};
  return { "data-unknown-attrs": JSON.stringify(Object.fromEntries(unknown)) };
}

export function markHtml(mark: Mark): { open: string; close: string } {
  const spec = mark.type.spec.toDOM?.(mark, true) ?? ["span", 0];
  // A style without a value is a style all the same; TipTap knows the mark by the attribute.
  const attrs = mark.type.name === "textStyle" ? { style: "" } : {};
  const [open = "", close = ""] = element(spec, "\u0000", more(mark), attrs).split("\u0000");
  return { open, close };
}

/** Neighbours that share a mark share its element. */
function inlineHtml(nodes: readonly Node[], depth: number): string {
  let html = "";
  for (let at = 0; at < nodes.length;) {
    const node = nodes[at];
    const mark = node?.marks[depth];
    let end = at + 1;
    if (mark) {
      while (nodes[end]?.marks[depth]?.eq(mark)) end++;
      const { open, close } = markHtml(mark);
      html += open + inlineHtml(nodes.slice(at, end), depth + 1) + close;
    } else if (node) {
      html += nodeHtml(node);
    }
    at = end;
  }
  return html;
}

const textHtml = (text: string) => escapeHtml(text).replace(FRAGILE, characterElement);

function codeBlockHtml(node: Node): string {
  const { language } = node.attrs;
  const isPlain = language === null || /^[^\s]+$/.test(language);
  const attrs = {
    ...(isPlain ? language && { class: `language-${language}` } : { "data-language": language }),
  };
  const code = escapeHtml(node.textContent).replace(FRAGILE_IN_CODE, characterElement);
  // A reader takes one line break at the end for the form of the text.
  const end = code.endsWith("\n") ? "\n" : "";
  return `<pre${attributesHtml(more(node))}><code${
    attributesHtml(attrs)
  }>${code}${end}</code></pre>`;
}

/** The widths of columns are the editor's matter; of a table, the export has rows. */
const tableSpec: DOMOutputSpec = ["table", ["tbody", 0]];

export function nodeHtml(node: Node): string {
  if (node.isText) return textHtml(node.text ?? "");
  const { name, spec } = node.type;
  if (name === "codeBlock") return codeBlockHtml(node);
  const inner = node.inlineContent
    ? inlineHtml(node.children, 0)
    : node.children.map(nodeHtml).join("");
  const rendering = name === "table" ? tableSpec : spec.toDOM?.(node) ?? ["div", 0];
  return element(rendering, inner, more(node));
}

export const toHtml = (json: JsonNode): string => documentOf(json).children.map(nodeHtml).join("");
