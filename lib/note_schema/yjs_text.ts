import type * as Y from "yjs";
import { childFingerprint, runsOf, type TextRun } from "./yjs_content.ts";

const isLowSurrogate = (text: string, at: number) => {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
};

/** Makes the text say the runs, touching only what differs. Call it inside a transaction. */
export function replaceText(text: Y.XmlText, runs: TextRun[]): void {
  const before = runsOf(text).map(({ insert }) => insert).join("");
  const after = runs.map(({ insert }) => insert).join("");
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before[start] === after[start]) start++;
  if (isLowSurrogate(before, start) || isLowSurrogate(after, start)) start--;
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  // Yjs counts in UTF-16 units, and half a character would be lost.
  if (end > 0 && isLowSurrogate(after, after.length - end)) end--;
  text.delete(start, before.length - start - end);
  text.insert(start, after.slice(start, after.length - end), {});
  const now = runsOf(text);
  if (childFingerprint({ runs: now }) === childFingerprint({ runs })) return;
  const cleared: Record<string, null> = {};
  for (const { attributes } of now) {
    for (const name of Object.keys(attributes)) cleared[name] = null;
  }
  text.applyDelta(
    runs.map(({ insert, attributes }) => ({
      retain: insert.length,
      attributes: { ...cleared, ...attributes },
    })),
    { sanitize: false },
  );
}
