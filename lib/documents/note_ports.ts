/** What documents need of notes, which are another domain's. */
import type { JsonNode } from "./prosemirror_json.ts";

/** A note's text in its three forms; `json` is ProseMirror's and the one that counts when it is there. */
export interface NoteSnapshot {
  md?: string | null;
  html?: string | null;
  json?: JsonNode | null;
}

export interface NoteAccess {
  mayRead(userId: string, noteId: string): Promise<boolean>;
  mayWrite(userId: string, noteId: string): Promise<boolean>;
}

export interface NoteContent {
  /** `undefined`: there is no such note. */
  load(noteId: string): Promise<NoteSnapshot | undefined>;
  /**
   * Stores the text of a note that is there.
   *
   * @throws {AppError} `not_found` when the note has been deleted: nothing is saved then, and nothing retried.
   */
  save(noteId: string, snapshot: NoteSnapshot): Promise<void>;
}
