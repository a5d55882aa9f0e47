import { contentOf, type NoteSnapshot, snapshotFrom } from "../note_schema/note_content.ts";
import type { JsonNode } from "../note_schema/json_node.ts";
import { fromMd } from "../note_schema/markdown_reader.ts";
import { fingerprint } from "../note_schema/yjs_content.ts";

/** What is known at the moment of a save. */
export interface SnapshotSources {
  /** The document's own text. */
  json: JsonNode;
  /** What an editor last said the text is. */
  given: NoteSnapshot | undefined;
  /** Somebody has edited the document since it was opened. */
  isEdited: boolean;
}

/**
 * What the note is to say. The document is the truth, and all forms are made from it: what an editor
 * says of it may be stale, or say anything. It counts where the document says nothing itself. Of
 * Markdown that means the document, its writer's form stays.
 */
export function snapshotOf({ json, given, isEdited }: SnapshotSources): NoteSnapshot {
  const isElsewhere = json.content?.length === 0;
  const content = given && (isElsewhere || !isEdited) ? contentOf(given) : json;
  const snapshot = snapshotFrom(content);
  return given?.md && means(given.md, content) ? { ...snapshot, md: given.md } : snapshot;
}

const MAX_COMPARED_LENGTH = 64 * 1024;
const means = (md: string, json: JsonNode): boolean =>
  md.length <= MAX_COMPARED_LENGTH && fingerprint(fromMd(md)) === fingerprint(json);
