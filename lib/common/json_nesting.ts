/** Arrays and objects in one another, deeper than any honest payload goes. */
export const MAX_JSON_DEPTH = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Whether JSON nests arrays and objects deeper than the limit, found out before it is parsed: a
 * parser spends its memory on depth, and whatever walks the value its stack. Costs some 2 ms per MB,
 * and a fiftieth of that for text with few brackets, such as an array of numbers.
 */
export function isNestedDeeper(json: string, maxDepth = MAX_JSON_DEPTH): boolean {
  if (!hasMore(json, maxDepth)) return false;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (char === QUOTE) at = endOfString(json, at);
    else if (OPENING.has(char) && ++depth > maxDepth) return true;
    else if (CLOSING.has(char)) depth--;
  }
  return false;
}

/** Whether there are more opening brackets than that, wherever they stand. */
function hasMore(json: string, count: number): boolean {
  let left = count;
  for (const bracket of "[{") {
    for (let at = json.indexOf(bracket); at >= 0; at = json.indexOf(bracket, at + 1)) {
      if (--left < 0) return true;
    }
  }
  return false;
}

/** Where the string that begins at the quote ends; the end of the text when it does not. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return json.length;
}
