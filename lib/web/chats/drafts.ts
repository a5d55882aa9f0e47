/** What somebody has typed and not sent, in this tab. */
import { readPersonal, writePersonal } from "../personal.ts";

const keyOf = (place: string): string => `draft:${place}`;

export const draftOf = (place: string): string => readPersonal(sessionStorage, keyOf(place)) ?? "";

export function keepDraft(place: string, text: string): void {
  try {
    writePersonal(sessionStorage, keyOf(place), text || undefined);
  } catch {
    // The browser keeps a few megabytes: beyond, the text is in the field only.
  }
}

/** The place has got another name: what was typed there moves along. */
export function moveDraft(from: string, to: string): void {
  const text = draftOf(from);
  if (text === "") return;
  keepDraft(from, "");
  keepDraft(to, text);
}
