import type { TokenizerAndRendererExtension, Tokens } from "marked";

/** A longer formula is text. The bound keeps the search for a formula's end short, too. */
const MAX_LENGTH = 5_000;
const BLOCK_START = /\n {0,3}(?:\$\$|\\\[)/g;
/** So many beginnings of a paragraph are tried; a formula behind more is found among its words. */
const MAX_STARTS = 10;
const BLOCK = /^ {0,3}(\$\$|\\\[)/;
const INLINE_START = /(?<![\p{L}\p{N}\\$])\$|\\[([]/u;
const ENDS: Record<string, string> = { "$$": "$$", "\\[": "\\]", "\\(": "\\)" };
/** A dollar begins a formula before a sign, ends one after a sign, and belongs to no word or price. */
const DOLLARS = /^\$((?:\\[^\n]|[^\\$\n`])+?)\$(?![\p{L}\p{N}$])/u;

/** A formula as it stands in a text. */
interface Formula extends Tokens.Generic {
  raw: string;
  tex: string;
  isDisplay: boolean;
}

function enclosed(src: string, open: string): Formula | undefined {
  const end = ENDS[open] ?? "";
  const at = src.slice(0, MAX_LENGTH).indexOf(end, open.length);
  if (at < 0) return undefined;
  const tex = src.slice(open.length, at).trim();
  // A paragraph ends at a blank line, a formula does, too. Code is never mathematics.
  if (tex === "" || /\n[ \t]*\n|`|~~~/.test(tex)) return undefined;
  return { type: "math", raw: src.slice(0, at + end.length), tex, isDisplay: open !== "\\(" };
}

/** A formula on lines of its own, at the beginning of the text. */
function blockFormula(src: string): Formula | undefined {
  const [indented, open] = BLOCK.exec(src) ?? [];
  if (indented === undefined || open === undefined) return undefined;
  const indent = indented.length - open.length;
  const formula = enclosed(src.slice(indent), open);
  const rest = formula && /^[ \t]*(?:\n+|$)/.exec(src.slice(indent + formula.raw.length));
  if (!rest) return undefined;
  const raw = src.slice(0, indent + formula.raw.length + rest[0].length);
  return { ...formula, type: "mathBlock", raw };
}

/** `5 a day and 6`, between two dollars: an amount of money, and words. */
function isPrice(tex: string): boolean {
  if (!/^[\d.,]+/.test(tex)) return false;
  const plain = tex.replace(/\\[a-zA-Z]+|\{[^}]*\}/g, "");
  return /^[\d.,]+[kKmMbB]?(?:[,;:.]?\s+\p{L}+\s|[,;:.]\s|\s*[-–—/]\s*$)|\s\p{L}{2,}/u.test(plain);
}

function inlineFormula(src: string): Formula | undefined {
  const open = src.slice(0, 2);
  if (open in ENDS) return enclosed(src, open);
  const [raw, tex = ""] = DOLLARS.exec(src.slice(0, MAX_LENGTH)) ?? [];
  if (raw === undefined || /^\s|\s$/.test(tex) || isPrice(tex)) return undefined;
  return { type: "math", raw, tex, isDisplay: false };
}

const escaped = (text: string) =>
  text.replace(/[&<>]/g, (sign) => sign === "&" ? "&amp;" : sign === "<" ? "&lt;" : "&gt;");

const written = (tag: string) => (token: Tokens.Generic) => {
  const { tex, isDisplay } = token as Formula;
  return `<${tag} class="math-${isDisplay ? "display" : "inline"}">${escaped(tex)}</${tag}>`;
};

/**
 * Mathematics in Markdown: `\(…\)`, `\[…\]`, `$…$` and `$$…$$`. Its text reaches the page as it was
 * written, in elements of the classes `math-inline` and `math-display`; drawing it is the page's own
 * matter.
 */
export const mathematics: TokenizerAndRendererExtension[] = [
  {
    name: "mathBlock",
    level: "block",
    start(src) {
      const end = src.indexOf("\n\n");
      const starts = (end < 0 ? src : src.slice(0, end)).matchAll(BLOCK_START);
      for (const { index } of starts.take(MAX_STARTS)) {
        if (blockFormula(src.slice(index + 1))) return index + 1;
      }
      return undefined;
    },
    tokenizer: blockFormula,
    renderer: written("div"),
  },
  {
    name: "math",
    level: "inline",
    start: (src) => INLINE_START.exec(src)?.index,
    tokenizer(src, before) {
      if (!src.startsWith("$") && !src.startsWith("\\")) return undefined;
      // `US$5`: the sign belongs to a word.
      if (src.startsWith("$") && /[\p{L}\p{N}$]$/u.test(before.at(-1)?.raw ?? "")) return undefined;
      return inlineFormula(src);
    },
    renderer: written("span"),
  },
];

/** The text with its formulas as signs that mean nothing to Markdown, of the same length. */
export function withoutFormulas(text: string): string {
  let rest = text;
  let done = "";
  for (let at = rest.search(INLINE_START); at >= 0; at = rest.search(INLINE_START)) {
    const formula = inlineFormula(rest.slice(at));
    const end = at + (formula?.raw.length ?? 1);
    done += rest.slice(0, at) + (formula ? "a".repeat(formula.raw.length) : rest[at]);
    rest = rest.slice(end);
  }
  return done + rest;
}
