/** Markdown as a document of the schema: through HTML, so that HTML within it counts, too. */
import MarkdownIt, { type Token } from "markdown-it";
import { fromHtml } from "./html_reader.ts";
import { MAX_HTML_LENGTH } from "./html_tree.ts";
import type { JsonNode } from "./json_node.ts";
import { plainDocument } from "./plain_text.ts";

/** It takes about half a second a megabyte; what is longer keeps its text only. */
const MAX_MARKDOWN_LENGTH = 1024 * 1024;
/** The parser leaves out what is nested deeper than its own bound, 100; such a text keeps its words. */
const MAX_LEVEL = 90;
const CHECKBOX = /^\[([ xX])\](?:\s|$)/;
/** What a link of TipTap's has unless somebody says otherwise. */
const LINK_ATTRIBUTES = [["target", "_blank"], ["rel", "noopener noreferrer nofollow"]] as const;

const parser = new MarkdownIt({ html: true, linkify: true });
// Addresses stay as they are written; which ones may be followed is the schema's matter.
parser.normalizeLink = (url) => url;
parser.normalizeLinkText = (text) => text;
parser.validateLink = () => true;
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
for (const scheme of ["//", "ftp:", "mailto:"]) parser.linkify.add(scheme, null);
parser.core.ruler.push("note", ({ tokens }) => {
  tokens.forEach((token, at) => {
    if (token.type !== "inline") return;
    alonePicture(tokens, at);
    task(tokens, at);
    token.children?.forEach(inline);
  });
});

/** A paragraph that is a picture is a picture. */
function alonePicture(tokens: Token[], at: number): void {
  const [open, token, close] = tokens.slice(at - 1, at + 2);
  const children = token?.children ?? [];
  if (open?.type !== "paragraph_open" || !close) return;
  if (children.length === 1 && children[0]?.type === "image") open.hidden = close.hidden = true;
}

/** GitHub's check boxes, at the beginning of an item of a bullet list. */
function task(tokens: Token[], at: number): void {
  const [item, paragraph, token] = tokens.slice(at - 2, at + 1);
  if (item?.type !== "list_item_open" || paragraph?.type !== "paragraph_open") return;
  const box = CHECKBOX.exec(token?.content ?? "");
  const text = token?.children?.[0];
  if (!box || text?.type !== "text" || !isBullet(item)) return;
  item.attrSet("data-type", "taskItem");
  item.attrSet("data-checked", String(box[1] !== " "));
  text.content = text.content.replace(/^\[[ xX]\] ?/, "");
}

const isBullet = ({ markup }: Token) => /^[-+*]$/.test(markup);

function inline(token: Token): void {
  if (token.type === "link_open") {
    for (const [name, value] of LINK_ATTRIBUTES) token.attrSet(name, value);
  }
  // No words are no alternative text.
  if (token.type === "image" && token.content === "") {
    token.attrs = token.attrs?.filter(([name]) => name !== "alt") ?? null;
  }
}
parser.renderer.rules.image = (tokens, at, options, env, renderer) => {
  const token = tokens[at];
  if (!token) return "";
  if (token.content !== "") {
    token.attrSet("alt", renderer.renderInlineAsText(token.children ?? [], options, env));
  }
  return renderer.renderToken(tokens, at, options);
};

/** What is made to be slow, or too long, keeps its text. */
export function fromMd(md: string): JsonNode {
  if (md.length > MAX_MARKDOWN_LENGTH) return plainDocument(md);
  const env = {};
  const tokens = parser.parse(md, env);
  if (tokens.some(({ level }) => level >= MAX_LEVEL)) return plainDocument(md);
  const html = parser.renderer.render(tokens, parser.options, env);
  return html.length > MAX_HTML_LENGTH ? plainDocument(md) : fromHtml(html);
}
