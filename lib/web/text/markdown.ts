import {
  Hooks,
  Marked,
  type MarkedOptions,
  Parser,
  Renderer,
  type Token,
  type Tokens,
} from "marked";
import { AnswerTokenizer } from "../../markdown/answer_tokenizer.ts";
import { BoundedLexer } from "../../markdown/bounded_lexer.ts";
import { DataUris, isSafePicture } from "../../markdown/data_pictures.ts";
import { mathematics, withoutFormulas } from "../../markdown/mathematics.ts";
import { mentions } from "../../markdown/mentions.ts";
import { sanitized } from "./sanitize.ts";

/** A text is somebody else's: a tenth of a second, and on a phone half of one. */
const MAX_COST = 10_000_000;

/** Tags that may be written as they are, bare; any other HTML in a message is text. */
const BARE_TAGS =
  /&lt;(\/?(?:b|br|code|del|details|em|hr|i|ins|kbd|li|ol|p|s|strong|sub|summary|sup|u|ul))\s*\/?&gt;/gi;

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => ESCAPES[sign] ?? sign);

const marked = new Marked({ gfm: true, breaks: true, extensions: [...mathematics, ...mentions] });

/** Where a mark of emphasis is looked for: not in formulas, nor in what is masked already. */
function maskedForEmphasis(masked: string, source: string): string {
  const other = withoutFormulas(source);
  if (other === source) return masked;
  return masked.split("").map((sign, at) => other[at] === source[at] ? sign : other[at]).join("");
}

/** Writes what Markdown means as HTML that {@linkcode sanitized} still has to see. */
class AnswerRenderer extends Renderer {
  readonly #uris: DataUris;

  constructor(uris: DataUris) {
    super();
    this.#uris = uris;
  }

  override html({ text }: Tokens.HTML | Tokens.Tag): string {
    if (!this.#uris.isIn(text)) return escaped(text).replace(BARE_TAGS, "<$1>");
    const [, alt = ""] = /\balt="([^"]*)"/.exec(text) ?? [];
    if (/^<img\b/i.test(text)) return this.#pictures(text, alt);
    return this.#withPictures(text);
  }

  override text(token: Tokens.Text | Tokens.Escape): string {
    const isPlain = !("tokens" in token && token.tokens) && this.#uris.isIn(token.text);
    return isPlain ? this.#withPictures(token.text) : super.text(token);
  }

  override image(token: Tokens.Image): string {
    return this.#uris.isIn(token.href)
      ? this.#pictures(token.href, token.text)
      : super.image(token);
  }

  override code({ text, lang = "", escaped: isEscaped }: Tokens.Code): string {
    const code = `${this.#uris.restored(text).replace(/\n$/, "")}\n`;
    const [language = ""] = /^\S+/.exec(lang) ?? [];
    const classes = language && ` class="language-${escaped(language)}"`;
    return `<pre><code${classes}>${isEscaped ? code : escaped(code)}</code></pre>\n`;
  }

  override codespan({ text }: Tokens.Codespan): string {
    return `<code>${escaped(this.#uris.restored(text))}</code>`;
  }

  override table(token: Tokens.Table): string {
    return `<div class="table-frame" tabindex="0">${super.table(token)}</div>`;
  }

  /** A picture whose end has not come yet, or that stands alone, is a picture all the same. */
  #withPictures(text: string): string {
    const alone = text.replace(/!?\[([^\]\n]*)\]\((?=\ufdd0)/g, "");
    return this.#uris.replaced(escaped(alone), (uri) => picture(uri, ""));
  }

  #pictures(text: string, alt: string): string {
    const found: string[] = [];
    this.#uris.replaced(text, (uri) => {
      found.push(picture(uri, alt));
      return "";
    });
    return found.join("");
  }
}

/** A picture, or a word about one that can't be shown: never what it is made of. */
function picture(uri: string, alt: string): string {
  const label = escaped(alt.trim());
  if (isSafePicture(uri)) return `<img src="${escaped(uri)}" alt="${label || "Picture"}">`;
  const type = escaped(/^data:([^;]{1,60})/.exec(uri)?.[1] ?? "data");
  return `<em>${label || "Picture"} (${type}, not shown)</em>`;
}

/** Where a text's references lead: `[name]: address`. */
export type Links = Record<string, Pick<Tokens.Link, "href" | "title">>;

/** A text that has been read. */
export interface ReadMarkdown {
  tokens: Token[];
  /** What was known before, and what this text defines. */
  links: Links;
  /** A token as it was written. */
  rawOf(token: Token): string;
  /** A token as safe HTML. */
  htmlOf(...tokens: Token[]): string;
}

/** Reads Markdown; `known` are the references of what stands before and behind it. */
export function readMarkdown(text: string, known: Links = {}): ReadMarkdown {
  const uris = new DataUris(text);
  const lexer = new BoundedLexer({
    ...marked.defaults,
    tokenizer: new AnswerTokenizer(marked.defaults),
    hooks: Object.assign(new Hooks(), {
      emStrongMask: (masked: string) => maskedForEmphasis(masked, lexer.inlineSource),
    }),
  } as MarkedOptions, MAX_COST);
  Object.assign(lexer.tokens.links, known);
  const tokens = lexer.lex(uris.text);
  const renderer = new AnswerRenderer(uris);
  return {
    tokens,
    links: { ...tokens.links } as Links,
    rawOf: ({ raw }) => uris.restored(raw),
    htmlOf: (...asked) => {
      const options = { ...marked.defaults, renderer } as MarkedOptions;
      return sanitized(new Parser(options).parse(asked));
    },
  };
}

/** Markdown as safe HTML. */
export function toHtml(markdown: string, known?: Links): string {
  const { tokens, htmlOf } = readMarkdown(markdown, known);
  return htmlOf(...tokens);
}
