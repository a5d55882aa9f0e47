import type { NoteSnapshot } from "./note_ports.ts";
import { fingerprint, type JsonNode } from "./prosemirror_json.ts";
import { toHtml, toMd } from "./render_content.ts";

/** What is known at the moment of a save. */
export interface SnapshotSources {
  /** The document's own text. */
  json: JsonNode;
  /** What an editor last said the text is. */
  given: NoteSnapshot | undefined;
  /** Nothing has changed the document since `given` came. */
  isFresh: boolean;
  /** Somebody has edited the document since it was opened. */
  isEdited: boolean;
}

/**
 * What the note is to say. The document is the truth: an editor's own rendering is taken when it
 * says the same, because it knows every extension's Markdown and HTML; one that has not seen
 * another's edit yet must not undo it.
 */
export function snapshotOf({ json, given, isFresh, isEdited }: SnapshotSources): NoteSnapshot {
  const derived = () => ({ json, md: toMd(json), html: toHtml(json) });
  if (!given) return derived();
  const isElsewhere = json.content?.length === 0;
  if (isElsewhere || !isEdited) return { json: null, md: null, html: null, ...given };
  if (given.json?.content) {
    return saysTheSame(given.json, json) ? { ...derived(), ...given } : derived();
  }
  const text = isFresh ? Object.entries(given).filter(([, value]) => value) : [];
  return { ...derived(), ...Object.fromEntries(text), json };
}

/** What can't be compared, such as attributes nested without end, is not the same. */
function saysTheSame(one: JsonNode, other: JsonNode): boolean {
  try {
    return fingerprint(one) === fingerprint(other);
  } catch {
    return false;
  }
}
