import DOMPurify from "dompurify";
import { Marked } from "marked";
import { BoundedLexer } from "../markdown/bounded_lexer.ts";

/** A text is somebody else's: a tenth of a second, and on a phone half of one. */
const MAX_COST = 10_000_000;

/** Tags that may be written as they are, bare; any other HTML in a message is text. */
const BARE_TAGS =
  /&lt;(\/?(?:b|br|code|del|details|em|hr|i|ins|kbd|li|ol|p|s|strong|sub|summary|sup|u|ul))\s*\/?&gt;/gi;

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const asText = (html: string) =>
  html.replace(/[&<>"]/g, (letter) => ESCAPES[letter] ?? letter).replace(BARE_TAGS, "<$1>");

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: { html: ({ text }) => asText(text) },
});

const lexed = (markdown: string) => new BoundedLexer(marked.defaults, MAX_COST).lex(markdown);

/** What a text may become: no styles, no forms, no frames, nothing that runs or loads. */
const ALLOWED = {
  ALLOWED_TAGS: (
    "a b blockquote br code del details div em h1 h2 h3 h4 h5 h6 hr i img input kbd li ol p pre " +
    "s span strong sub summary sup table tbody td th thead tr u ul"
  ).split(" "),
  ALLOWED_ATTR: [
    "href",
    "title",
    "src",
    "alt",
    "start",
    "align",
    "type",
    "checked",
    "disabled",
    "class",
  ],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel):|^#/i,
  ALLOW_DATA_ATTR: false,
};

const purifier = DOMPurify(globalThis as unknown as Parameters<typeof DOMPurify>[0]);

purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
  // Only the boxes of task lists; they can't be ticked here.
  if (node.tagName === "INPUT") {
    if (node.getAttribute("type") !== "checkbox") node.remove();
    else node.setAttribute("disabled", "");
  }
  if (node.hasAttribute("class") && !/^language-[\w+-]+$/.test(node.className)) {
    node.removeAttribute("class");
  }
  if (node.tagName === "IMG") asLink(node);
});

/** A picture from elsewhere would tell its server who reads what: it is a link, to open or not. */
function asLink(picture: Element): void {
  const source = picture.getAttribute("src") ?? "";
  const link = picture.ownerDocument.createElement("a");
  link.textContent = picture.getAttribute("alt") || source || "picture";
  if (/^https?:/i.test(source)) {
    link.href = source;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  picture.replaceWith(link);
}

/** Markdown as safe HTML. */
export function toHtml(markdown: string): string {
  return purifier.sanitize(marked.parser(lexed(markdown)), ALLOWED);
}

/** A part of a text, and its HTML. */
export interface Block {
  raw: string;
  html: string;
}

/**
 * Markdown that grows. What is before the last two blocks can't change any more by what is appended,
 * so that each frame costs as much as the end of the text, however long it is.
 */
export class GrowingMarkdown {
  #blocks: Block[] = [];
  #settledLength = 0;
  #settledCount = 0;
  #text = "";

  update(text: string): readonly Block[] {
    if (!text.startsWith(this.#text)) this.#reset();
    this.#text = text;
    const tokens = lexed(text.slice(this.#settledLength));
    const blocks = this.#blocks.slice(0, this.#settledCount);
    tokens.forEach(({ raw }, at) => {
      const before = this.#blocks[this.#settledCount + at];
      blocks.push(before?.raw === raw ? before : { raw, html: toHtml(raw) });
    });
    for (const { raw } of tokens.slice(0, -2)) {
      this.#settledLength += raw.length;
      this.#settledCount++;
    }
    this.#blocks = blocks;
    return blocks;
  }

  #reset(): void {
    this.#blocks = [];
    this.#settledLength = 0;
    this.#settledCount = 0;
  }
}
