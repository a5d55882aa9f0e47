/** The last words of a text that streams: emphasis and code are ended, what is half waits. Pure. */

/** So long may be what waits unseen; beyond, it is what it looks like. */
const MAX_LABEL = 300;
const MAX_ADDRESS = 2_000;
const MAX_FORMULA = 5_000;
const ENDS: Record<string, string> = { "\\(": "\\)", "\\[": "\\]", "$$": "$$" };
/** A tag that is not whole yet, or an address in pointed brackets. */
const HALF_TAG = /^<(?:\/?[a-z][a-z\d]{0,9}\s*\/?|\/|https?:[^\s<>]*)?$/i;
/** What may begin something; everything else is passed over. */
const SIGN = /[\\$!\[<*_~`]/g;
const RUN = /([*_~`])\1*/y;
const LETTER = /[\p{L}\p{N}]/u;

/** A mark of emphasis that is not ended yet. */
interface Open {
  mark: string;
  /** Where what it marks begins. */
  from: number;
}

export function withQuietWords(words: string): string {
  const open: Open[] = [];
  for (let at = nextSign(words, 0); at < words.length; at = nextSign(words, at)) {
    const next = isHalf(words, at) ? undefined : afterPart(words, at, open);
    if (next === undefined) return ended(words.slice(0, at), open);
    if (typeof next === "string") return next;
    at = next;
  }
  return ended(words, open);
}

function nextSign(words: string, from: number): number {
  SIGN.lastIndex = from;
  return SIGN.exec(words)?.index ?? words.length;
}

/** Whether something begins here that the text has only half of. */
function isHalf(words: string, at: number): boolean {
  switch (words[at]) {
    case "\\":
      return at === words.length - 1 || formulaEnd(words, at) === "half";
    case "$":
      return formulaEnd(words, at) === "half";
    case "!":
      return words[at + 1] === "[" && linkEnd(words, at + 1) === "half";
    case "[":
      return linkEnd(words, at) === "half";
    case "<":
      return HALF_TAG.test(words.slice(at, at + MAX_LABEL));
    default:
      return false;
  }
}

/** Where it goes on behind what stands here; the whole, where code reaches to the end. */
function afterPart(words: string, at: number, open: Open[]): number | string | undefined {
  const sign = words[at] ?? "";
  if (sign === "\\" || sign === "$") {
    const end = formulaEnd(words, at);
    return typeof end === "number" ? end : at + (sign === "\\" ? 2 : 1);
  }
  if (sign === "[") {
    const end = linkEnd(words, at);
    return typeof end === "number" ? end : at + 1;
  }
  RUN.lastIndex = at;
  const [run] = RUN.exec(words) ?? [];
  if (run === undefined) return at + 1;
  return sign === "`" ? afterCode(words, at, run, open) : afterMark(words, at, run, open);
}

function formulaEnd(words: string, at: number): number | "half" | undefined {
  const open = words.slice(at, at + 2);
  const end = ENDS[open];
  if (end === undefined) return undefined;
  const found = words.indexOf(end, at + 2);
  if (found >= 0) return found + 2;
  return words.length - at <= MAX_FORMULA ? "half" : undefined;
}

/** Of a link or picture; `undefined`: brackets, and no link. */
function linkEnd(words: string, at: number): number | "half" | undefined {
  const label = closing(words, at, "]", MAX_LABEL);
  if (typeof label !== "number") return label;
  const next = words[label + 1];
  if (next === undefined) return "half";
  if (next !== "(" && next !== "[") return undefined;
  const end = next === "("
    ? closing(words, label + 1, ")", MAX_ADDRESS)
    : closing(words, label + 1, "]", MAX_LABEL);
  return typeof end === "number" ? end + 1 : end;
}

/** Where the bracket is closed that stands at `at`, on the same line. */
function closing(
  words: string,
  at: number,
  end: string,
  limit: number,
): number | "half" | undefined {
  const begin = words[at];
  let depth = 0;
  for (let to = at; to < words.length && to - at <= limit; to++) {
    const sign = words[to];
    if (sign === "\n") return undefined;
    if (sign === "\\") to++;
    else if (sign === begin) depth++;
    else if (sign === end && --depth === 0) return to;
  }
  return words.length - at <= limit ? "half" : undefined;
}

function afterCode(
  words: string,
  at: number,
  run: string,
  open: readonly Open[],
): number | string | undefined {
  const from = at + run.length;
  for (let end = words.indexOf("`", from); end >= 0;) {
    const length = /^`+/.exec(words.slice(end, end + run.length + 1))?.[0].length ?? 0;
    if (length === run.length) return end + length;
    end = words.indexOf("`", end + length);
  }
  // Half of its end may be there.
  const code = words.slice(from).replace(/`+$/, "");
  return code.trim() === "" ? undefined : `${words.slice(0, from)}${code}${run}${marksOf(open)}`;
}

/** A mark ends what was begun by the same, or begins something; one that may still grow waits. */
function afterMark(
  words: string,
  at: number,
  run: string,
  open: Open[],
): number | string | undefined {
  const end = at + run.length;
  const [sign = ""] = run;
  const [before = " ", after = " "] = [words[at - 1], words[end]];
  const isInWord = sign === "_" && LETTER.test(before) && LETTER.test(after);
  let left = sign === "~" && run.length !== 2 ? 0 : run.length;
  if (left > 0 && !/\s/.test(before) && !isInWord) {
    for (let last = open.at(-1); last && last.mark[0] === sign; last = open.at(-1)) {
      if (last.mark.length > left) break;
      left -= last.mark.length;
      open.pop();
    }
  }
  if (end === words.length) {
    const kept = sign === "~" && run.length === 1 ? 0 : run.length - left;
    return ended(words.slice(0, at + kept), open);
  }
  const canBegin = !/\s/.test(after) && !(sign === "_" && LETTER.test(before)) && left < 4;
  if (canBegin && left >= 2) open.push({ mark: sign.repeat(2), from: end });
  if (canBegin && left % 2 === 1) open.push({ mark: sign, from: end });
  return end;
}

/** The words with all that is open ended; a mark that nothing follows yet is left out. */
function ended(words: string, open: readonly Open[]): string {
  const said = open.filter(({ from }) => words.slice(from).trim() !== "");
  const first = open.find((one) => !said.includes(one));
  const kept = first ? words.slice(0, first.from - first.mark.length) : words;
  const text = kept.trimEnd();
  return said.length === 0 ? kept : text + marksOf(said) + kept.slice(text.length);
}

const marksOf = (open: readonly Open[]): string => open.map(({ mark }) => mark).reverse().join("");
