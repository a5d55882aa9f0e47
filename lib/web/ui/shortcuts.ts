import { useEffect } from "preact/hooks";
import { Observable } from "./observable.ts";

/** A key of the page, as the list under `?` shows it. */
export interface Shortcut {
  /** What is pressed: `Ctrl+K`, `Esc`, `?`. */
  keys: string;
  what: string;
  /** Where it works, as a heading of the list. Default: everywhere. */
  where?: string;
}

export const EVERYWHERE = "Everywhere";

/** All that there are now; each page adds its own while it is there. */
export const shortcuts = new Observable<readonly Shortcut[]>([]);

/** Adds lines to the list under `?`. Returns the end. The keys themselves are the caller's to handle. */
export function listShortcuts(lines: readonly Shortcut[]): () => void {
  const added = lines.map((line) => ({ where: EVERYWHERE, ...line }));
  shortcuts.value = [...shortcuts.value, ...added];
  return () => shortcuts.value = shortcuts.value.filter((line) => !added.includes(line as never));
}

/** As {@linkcode listShortcuts}, as long as the component is there. `lines`: always the same ones. */
export function useShortcuts(lines: readonly Shortcut[]): void {
  useEffect(() => listShortcuts(lines), [lines]);
}

/** Whether a key goes into a text, and so is no shortcut. */
export function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input, textarea, select"));
}
