import { highlighter, highlighterNow, languageId } from "./code_languages.ts";
import { assetFailed } from "../version.ts";

/** More is shown in one colour: nobody waits for it. */
const MAX_COLOURED = 100_000;
/** More than this is coloured once it rests, not at each word that streams in. */
const MAX_AT_ONCE = 4_000;
const RESTS_AFTER_MS = 300;

/** Gives code the colours of its language: now if that is loaded and takes no time, or soon. */
export function colourCode(code: HTMLElement, fence: string): void {
  const id = languageId(fence);
  const text = code.textContent ?? "";
  if (id === undefined || text.length > MAX_COLOURED) return;
  const known = highlighterNow(id);
  if (known && text.length <= MAX_AT_ONCE) return write(known);
  const load = async () => write(known ?? await highlighter(id));
  // What was drawn anew meanwhile is no part of the page any more.
  setTimeout(() => code.isConnected && void load().catch(assetFailed), known ? RESTS_AFTER_MS : 0);

  function write(api: Awaited<ReturnType<typeof highlighter>>): void {
    if (code.textContent !== text) return;
    code.innerHTML = api.highlight(text, { language: id as string, ignoreIllegals: true }).value;
  }
}
