/** What documents need of notes, which are another domain's. */
import type { NoteSnapshot } from "../note_schema/note_content.ts";

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
