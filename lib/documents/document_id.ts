import { AppError } from "../common/errors.ts";
import { documentKeyId } from "../state/key_space.ts";

const PREFIX = "note_";
const NOTE_ID = /^[A-Za-z0-9_.~-]{1,128}$/;

/** One document, whatever its id was spelled like (docs/protocol.md, section 10.12). */
export interface DocumentRef {
  /** The storage spelling, by which documents are told apart. */
  key: string;
  /** The note behind the document: derived from the storage spelling, so that the access check follows it. */
  noteId: string;
}

/**
 * Reads a document id in any spelling: `note:{id}`, `note_{id}`.
 *
 * @throws {AppError} `not_found` for an id that is not of a note: only notes are documents.
 */
export function parseDocumentId(documentId: string): DocumentRef {
  const key = documentKeyId(documentId);
  const noteId = key.slice(PREFIX.length);
  if (!key.startsWith(PREFIX) || !NOTE_ID.test(noteId)) {
    throw new AppError("not_found", "There is no such document.");
  }
  return { key, noteId };
}

/** The document of a note. */
export const documentOfNote = (noteId: string): DocumentRef => parseDocumentId(PREFIX + noteId);
