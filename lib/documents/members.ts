import type { AppError } from "../common/errors.ts";
import type { AwarenessEncoding } from "./awareness.ts";
import type { Person } from "./document_changes.ts";
import type { DocumentRef } from "./document_id.ts";

/** A local socket that has joined a document. */
export interface Member extends Person {
  /** How this client spells the document's id: it knows its document by that. */
  documentId: string;
  /** Whether it sends bytes as binary attachments, and not as arrays of numbers. */
  isBinary: boolean;
  canWrite: boolean;
  /** When that was last asked, by `performance.now()`. */
  checkedAtMs: number;
  /** How it writes its cursor; unknown until it has. */
  encoding: AwarenessEncoding | undefined;
}

/** Those who are told of a document on this instance: the edge's part. */
export interface Audience {
  update(to: Member[], by: Person | undefined, update: Uint8Array): void;
  awareness(to: Member[], by: Person, update: Uint8Array): void;
  joined(to: Member[], by: Person): void;
  left(to: Member[], by: Person): void;
  /** The member has left because of this: it may not read the note any more, or could not be written down. */
  sentOut(member: Member, ref: DocumentRef, why: AppError): void;
  /** The note can't be saved at the moment. */
  saveFailed(to: Member[]): void;
  /** Who may read the note has changed, of one user or of all. Called on every instance. */
  accessChanged(noteId: string, userId: string | undefined): void;
  /** Changes of access may have been missed: of any note, of any user. */
  accessMissed(): void;
}
