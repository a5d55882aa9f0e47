/**
 * The end of a text that streams, without what would be drawn as signs now and as something else a
 * moment later: `**bold` without its end, half a link, the head of a table that may be none. What is
 * begun is ended here, or waits unseen. Pure, and as fast as the text is long.
 */
import { withQuietWords } from "./quiet_words.ts";

const FENCE = /^[ \t]*(`{3,}|~{3,})([^]*)$/;
/** How lines begin that hold a text of their own: a list's, a quotation's, a heading's. */
const MARKERS = /^(?:[ \t]*(?:[-*+]|\d{1,9}[.)]|>|#{1,6})(?:[ \t]+(?:\[[ xX]\][ \t]+)?|$))+/;
/** A last line that may become a list, a heading, a rule, an underline of the line before, a fence. */
const UNDECIDED =
  /^[ \t]*(?:[-*+=_#>`~|:][-*+=_#>`~|: \t]*|\d{1,9}[.)]?[ \t]*|[-*+][ \t]+\[[ xX]?\]?[ \t]*)$/;
const ROW = /^[ \t]*\|/;
const RULE_OF_TABLE = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
/** So much of a paragraph is looked at for marks: each frame asks again. */
const MAX_WORDS = 3_000;
const BLANK = /\n[ \t]*\n/g;

/** `text` begins with a block; only what is at its very end is changed. */
export function withQuietEnd(text: string): string {
  const fence = openFence(text);
  if (fence) return withQuietFence(text, fence);
  const lineAt = text.lastIndexOf("\n") + 1;
  const decided = UNDECIDED.test(text.slice(lineAt)) ? text.slice(0, lineAt) : text;
  const start = lastParagraph(decided);
  const head = beginningOfTable(decided.slice(start));
  if (head === "undecided") return decided.slice(0, lineOfTable(decided, start));
  const wordsAt = head === "table" ? lastCell(decided) : lastWords(decided, start);
  const words = Math.max(wordsAt, decided.length - MAX_WORDS);
  return decided.slice(0, words) + withQuietWords(decided.slice(words));
}

interface Fence {
  /** Where its line begins. */
  at: number;
  mark: string;
}

/** The fence of the code that is not ended yet. It may stand within a list. */
function openFence(text: string): Fence | undefined {
  let open: Fence | undefined;
  for (const { at, line } of linesOf(text, 0)) {
    const [, mark = "", info = ""] = FENCE.exec(line) ?? [];
    if (mark === "") continue;
    if (open) {
      if (mark.startsWith(open.mark) && info.trim() === "") open = undefined;
    } else if (!mark.startsWith("`") || !info.includes("`")) {
      open = { at, mark };
    }
  }
  return open;
}

/** Code is drawn once its language is written, and never with half of its end. */
function withQuietFence(text: string, { at, mark }: Fence): string {
  const lineAt = text.lastIndexOf("\n") + 1;
  if (lineAt <= at) return text.slice(0, at);
  const last = text.slice(lineAt).trim();
  return last !== "" && mark.startsWith(last) ? text.slice(0, lineAt) : text;
}

/** What the rows at the end of a paragraph are; `undefined`: no table. */
function beginningOfTable(paragraph: string): "table" | "undecided" | undefined {
  const lines = paragraph.split("\n");
  const head = lines.findIndex((line) => ROW.test(line));
  if (head < 0) return undefined;
  const [, rule, ...rows] = lines.slice(head);
  if (rule === undefined || (rule === "" && rows.length === 0)) return "undecided";
  return RULE_OF_TABLE.test(rule) ? "table" : undefined;
}

const lineOfTable = (text: string, start: number): number =>
  linesOf(text, start).find(({ line }) => ROW.test(line))?.at ?? text.length;

const lastCell = (text: string): number =>
  Math.max(text.lastIndexOf("\n"), text.lastIndexOf("|")) + 1;

/** Where the last paragraph begins. */
function lastParagraph(text: string): number {
  let at = 0;
  for (const blank of text.matchAll(BLANK)) at = blank.index + blank[0].length;
  return at;
}

/** Where the last words begin that no mark before them reaches into. */
function lastWords(text: string, start: number): number {
  let at = start;
  for (const { at: lineAt, line } of linesOf(text, start)) {
    const [marker = ""] = MARKERS.exec(line) ?? [];
    if (marker !== "") at = lineAt + marker.length;
  }
  return at;
}

function* linesOf(text: string, from: number): Generator<{ at: number; line: string }> {
  for (let at = from;;) {
    const end = text.indexOf("\n", at);
    yield { at, line: text.slice(at, end < 0 ? undefined : end) };
    if (end < 0) return;
    at = end + 1;
  }
}
