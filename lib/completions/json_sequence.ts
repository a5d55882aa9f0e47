/** What may stand around values that follow each other: a list's marks, and fields of events. */
const BETWEEN = /^(?:[\s,[\]]|data:)*/;

/** A list's marks, alone on a line. */
export const isPunctuation = (line: string): boolean => /^\s*(?:[[,]|\],?)\s*$/.test(line);

/**
 * The objects of a text that is a sequence of them: one behind the other, or parts of a list that is
 * sent as it grows. `undefined` when the text is anything else, or not whole.
 */
export function objectsIn(text: string): string[] | undefined {
  const found: string[] = [];
  let at = BETWEEN.exec(text)?.[0].length ?? 0;
  while (at < text.length) {
    const end = text[at] === "{" ? endOfObject(text, at) : -1;
    if (end < 0) return undefined;
    found.push(text.slice(at, end));
    at = end + (BETWEEN.exec(text.slice(end))?.[0].length ?? 0);
  }
  return found.length > 0 ? found : undefined;
}

/** Behind the brace that closes the one at `from`; -1 when none does. */
function endOfObject(text: string, from: number): number {
  const marks = /["{}]/g;
  const quotes = /\\.|"/gs;
  let depth = 0;
  marks.lastIndex = from;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    if (mark[0] === "{") depth++;
    else if (mark[0] === "}") {
      if (--depth === 0) return marks.lastIndex;
    } else {
      quotes.lastIndex = marks.lastIndex;
      let quote = quotes.exec(text);
      while (quote && quote[0] !== '"') quote = quotes.exec(text);
      if (!quote) return -1;
      marks.lastIndex = quotes.lastIndex;
    }
  }
  return -1;
}
