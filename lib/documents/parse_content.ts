/** A note's Markdown as ProseMirror's JSON in TipTap's names, for notes that no editor has opened yet. */
import type { Token, Tokens } from "marked";
import { BoundedLexer } from "../markdown/bounded_lexer.ts";
import { fromHtml } from "./html_content.ts";
import type { NoteSnapshot } from "./note_ports.ts";
import type { JsonMark, JsonNode } from "./prosemirror_json.ts";

/** A parser of HTML may take its time with what is nested on purpose: beyond, only the text counts. */
const MAX_HTML = 256 * 1024;
/** The same for Markdown, which takes some four seconds a megabyte. */
const MAX_MD = 1024 * 1024;

/** The text of a note as JSON: its own, else what its Markdown or HTML says. */
export function contentOf(snapshot: NoteSnapshot): JsonNode {
  const { json, md, html } = snapshot;
  if (json && Array.isArray(json.content)) return json;
  if (md) return fromMd(md);
  if (!html) return { type: "doc", content: [] };
  if (html.length <= MAX_HTML) return fromHtml(html);
  return plain(textOfHtml(html));
}

/** What an HTML text says, without its form: a block is a paragraph. */
function textOfHtml(html: string): string {
  return html.replace(/<(?:br|hr)\s*\/?>/gi, "\n").replace(/<\/(?:p|h\d|li|div|tr|pre)>/gi, "\n\n")
    .replace(/<[^<>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"').replaceAll("&nbsp;", " ").replaceAll("&amp;", "&");
}

export function fromMd(md: string): JsonNode {
  if (md.length > MAX_MD) return plain(md);
  return { type: "doc", content: blocks(new BoundedLexer().lex(md)) };
}

/** The text alone: what stands between blank lines is a paragraph. */
function plain(text: string): JsonNode {
  const blocks = text.split(/\n{2,}/).map((block) => block.trim()).filter((block) => block !== "");
  return { type: "doc", content: blocks.map((text) => paragraph([{ type: "text", text }])) };
}

const paragraph = (content: JsonNode[]): JsonNode =>
  content.length > 0 ? { type: "paragraph", content } : { type: "paragraph" };

function blocks(tokens: Token[]): JsonNode[] {
  return tokens.flatMap((token): JsonNode[] => {
    switch (token.type) {
      case "space":
      case "def":
      case "checkbox":
        return [];
      case "heading":
        return [{
          type: "heading",
          attrs: { level: (token as Tokens.Heading).depth },
          content: inline(token.tokens ?? []),
        }];
      case "code": {
        const { lang, text } = token as Tokens.Code;
        return [{
          type: "codeBlock",
          attrs: { language: lang || null },
          ...(text ? { content: [{ type: "text", text }] } : {}),
        }];
      }
      case "hr":
        return [{ type: "horizontalRule" }];
      case "blockquote":
        return [{ type: "blockquote", content: filled(blocks(token.tokens ?? [])) }];
      case "list":
        return [list(token as Tokens.List)];
      case "table":
        return [table(token as Tokens.Table)];
      default:
        return [
          paragraph(inline((token as Tokens.Generic).tokens ?? [{ ...token, type: "text" }])),
        ];
    }
  });
}

const filled = (content: JsonNode[]) => content.length > 0 ? content : [paragraph([])];

function list({ ordered, start, items }: Tokens.List): JsonNode {
  const isTasks = items.length > 0 && items.every(({ task }) => task);
  const content = items.map((item): JsonNode => ({
    type: isTasks ? "taskItem" : "listItem",
    ...(isTasks ? { attrs: { checked: item.checked === true } } : {}),
    content: filled(blocks(item.tokens)),
  }));
  if (isTasks) return { type: "taskList", content };
  if (!ordered) return { type: "bulletList", content };
  return { type: "orderedList", attrs: { start: Number(start) || 1 }, content };
}

function table({ header, rows }: Tokens.Table): JsonNode {
  const row = (type: string, cells: Tokens.TableCell[]): JsonNode => ({
    type: "tableRow",
    content: cells.map(({ tokens }) => ({ type, content: [paragraph(inline(tokens))] })),
  });
  return {
    type: "table",
    content: [row("tableHeader", header), ...rows.map((cells) => row("tableCell", cells))],
  };
}

const MARKS: Record<string, string> = { strong: "bold", em: "italic", del: "strike" };

function unescapeEntities(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

function inline(tokens: Token[], marks: JsonMark[] = []): JsonNode[] {
  const leaf = (text: string, more: JsonMark[] = marks): JsonNode[] =>
    text === "" ? [] : [{ type: "text", text, ...(more.length > 0 ? { marks: more } : {}) }];
  return tokens.flatMap((token): JsonNode[] => {
    const inner = token.type === "image" ? undefined : (token as Tokens.Generic).tokens;
    if (token.type === "br") return [{ type: "hardBreak" }];
    if (token.type === "checkbox") return [];
    if (token.type === "codespan") return leaf(token.text, [...marks, { type: "code" }]);
    if (token.type === "image") {
      return [{ type: "image", attrs: { src: token.href, alt: token.text } }];
    }
    if (token.type === "link" && inner) {
      return inline(inner, [...marks, { type: "link", attrs: { href: token.href } }]);
    }
    const mark = MARKS[token.type];
    if (inner) return inline(inner, mark ? [...marks, { type: mark }] : marks);
    return leaf(unescapeEntities("text" in token ? String(token.text) : token.raw));
  });
}
