/** What a text is found by: its words, each once, without accents and capitals. Pure. */

/** A longer run of letters is no word that somebody types: a key, a picture as text. */
const MAX_WORD = 128;
/** A text is read in parts of this length, so that none holds others up. */
const PART = 64 * 1024;
/** Of one text, so much is read. */
const MAX_TEXT = 1024 * 1024;
/** Words of a question that count. */
const MAX_TERMS = 8;

/** The text as it is compared: "Crème BRÛLÉE" and "creme brulee" are one. */
export function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
}

/** The words of a text, some more than once, in parts that others can have their turn between. */
export function* wordsOf(text: string): Generator<string[]> {
  const end = Math.min(text.length, MAX_TEXT);
  for (let at = 0; at < end;) {
    let until = Math.min(at + PART, end);
    // No word is cut, but one that would be too long anyway.
    const space = until < end ? text.slice(until, until + MAX_WORD).search(/\s/) : -1;
    if (space > 0) until += space;
    const words = folded(text.slice(at, until)).match(/[\p{L}\p{N}_]+/gu) ?? [];
    yield words.filter((word) => word.length <= MAX_WORD);
    at = until;
  }
}

/** What is looked for: all of these, each anywhere in a word. */
export function termsOf(question: string): string[] {
  const [words = []] = wordsOf(question.slice(0, 1_000));
  return [...new Set(words)].slice(0, MAX_TERMS);
}

/** How much of a text stands around what was found in it. */
const SNIPPET = 160;

/** A piece of the text with one of the terms; `undefined` where it has none. */
export function snippetOf(text: string, terms: readonly string[]): string | undefined {
  const from = text.slice(0, PART);
  // Folding may change lengths: the place is found among letters that are folded one by one.
  const letters = [...from];
  const lengths = letters.map((letter) => folded(letter));
  const all = lengths.join("");
  const places = terms.map((term) => all.indexOf(term)).filter((place) => place >= 0);
  if (places.length === 0) return undefined;
  let [left, at] = [Math.min(...places), 0];
  while (at < lengths.length && left >= (lengths[at]?.length ?? 0)) {
    left -= lengths[at]?.length ?? 0;
    at++;
  }
  const start = Math.max(0, at - SNIPPET / 4);
  const piece = letters.slice(start, start + SNIPPET).join("").replace(/\s+/g, " ").trim();
  const isWhole = start + SNIPPET >= letters.length && text.length <= PART;
  return `${start > 0 ? "…" : ""}${piece}${isWhole ? "" : "…"}`;
}
