import { Lexer, type MarkedOptions, type Token, type TokensList } from "marked";

/** About a second of a text that was written to be slow; of an honest one, a book. */
const MAX_COST = 100_000_000;
const SIGN = /[\p{P}\p{S}]/gu;
const LINK = /\]\(/g;
/** From each of such spaces the parser looks for the end of their line. */
const SPACES = / {64,}/g;
/** Quotes and lists in one another, deeper than any reader goes: they exhaust the parser's stack. */
const TOO_DEEP = /^(?:[ \t]*(?:>|(?:[*+-]|\d{1,9}[.)])[ \t])){100,}/gm;

/**
 * Reads Markdown, on both ends of the wire, in bounded time.
 *
 * The parser looks through the rest of a paragraph for each sign that may have a partner, and
 * through its square for each link. Above the bound, what is left of a text keeps its blocks, and
 * the signs within them stay signs.
 */
export class BoundedLexer extends Lexer {
  /** The text whose words are being read, before anything in it is masked. */
  inlineSource = "";
  #left: number;

  /** `maxCost`: 100,000,000 take about a second. Default: that many. */
  constructor(options?: MarkedOptions, maxCost = MAX_COST) {
    super(options);
    this.#left = maxCost;
  }

  override lex(text: string): TokensList {
    return super.lex(text.replace(TOO_DEEP, ""));
  }

  override inlineTokens(text: string, tokens: Token[] = []): Token[] {
    const signs = text.match(SIGN)?.length ?? 0;
    const links = text.match(LINK)?.length ?? 0;
    this.#left -= text.length * (signs + links ** 2 / 4);
    for (const [{ length }] of text.matchAll(SPACES)) this.#left -= length ** 2 / 8;
    this.inlineSource = text;
    if (this.#left >= 0) return super.inlineTokens(text, tokens);
    tokens.push({ type: "text", raw: text, text, escaped: false });
    return tokens;
  }
}
