/// <reference lib="dom" />
/**
 * What a person leaves in this browser that is too large for `personal.ts`: a database of their own,
 * which is gone when they sign out.
 */
import type { KeptEdits } from "../client/document_status.ts";

/** Edits of a note that its server may not have, and which page has kept them. */
export interface KeptNote extends KeptEdits {
  /** The note, and the page. */
  key: string;
  noteId: string;
  title: string;
  /** When the note was last the same here and at its server, in milliseconds. */
  knownAtMs: number;
}

/** A server remembers for seven days how a note that nobody edits came to be. */
const FRESH_MS = 6 * 24 * 60 * 60 * 1_000;

/** Whether the edits still fit the note, as far as can be said here. */
export const isFresh = ({ knownAtMs }: KeptNote): boolean => Date.now() - knownAtMs < FRESH_MS;

const EDITS = "edits";
const nameOf = (personId: string) => `person:${personId}`;

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Runs one step on the kept edits; the database is open no longer than that. */
async function withEdits<T>(
  personId: string,
  mode: IDBTransactionMode,
  step: (edits: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open(nameOf(personId), 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(EDITS, { keyPath: "key" });
  const database = await settled(opening);
  try {
    const transaction = database.transaction(EDITS, mode);
    const answer = await settled(step(transaction.objectStore(EDITS)));
    if (mode === "readwrite") {
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
    }
    return answer;
  } finally {
    database.close();
  }
}

/** Rejects where the browser keeps nothing. */
export async function keepEdits(personId: string, kept: KeptNote): Promise<void> {
  await withEdits(personId, "readwrite", (edits) => edits.put(kept));
}

export async function forgetEdits(personId: string, key: string): Promise<void> {
  await withEdits(personId, "readwrite", (edits) => edits.delete(key));
}

/** All edits that are kept of a person; none where the browser keeps nothing. Never rejects. */
export async function keptEdits(personId: string): Promise<KeptNote[]> {
  try {
    // Who has none has no database, and looking makes none.
    const databases = await indexedDB.databases();
    if (!databases.some(({ name }) => name === nameOf(personId))) return [];
    return await withEdits(personId, "readonly", (edits) => edits.getAll());
  } catch {
    return [];
  }
}

/** Takes away all that is kept of a person. */
export function forgetDatabase(personId: string): void {
  globalThis.indexedDB?.deleteDatabase(nameOf(personId));
}
