/** A note as it is stored, and what is made of it. */
import { AppError } from "../common/errors.ts";
import { EVERYONE, type Principal } from "../protocol/access_grants.ts";
import type { Note, NoteData, NoteSummary } from "../protocol/note.ts";
import type { Role } from "../protocol/user.ts";
import { principalsOf } from "../sharing/grants.ts";

/** The note without its text, which is a value of its own: lists read many of these. */
export interface NoteRecord extends Omit<Note, "data"> {
  /** How the text begins. */
  preview: string;
  /** About what its text takes in the store. */
  bytes?: number;
  /** About what its earlier texts take there. */
  version_bytes?: number;
  /** What of both its owner's count holds; missing in an old record, where it is all. */
  counted_bytes?: number;
  /** When an earlier text was last kept, in unix seconds. */
  kept_at?: number;
  /** When a save last put it on top of the lists, in unix seconds. */
  listed_at?: number;
}

const PREVIEW_LENGTH = 1_000;

/** What it takes in the store, with its earlier texts. */
const weightOf = ({ bytes = 0, version_bytes = 0 }: NoteRecord): number => bytes + version_bytes;

/** What of it its owner's count holds. */
export const countedOf = (record: NoteRecord): number => record.counted_bytes ?? weightOf(record);

/** The record with what is to be counted of it: all, unless the count is wrong by no more than `slack` bytes. */
export function recounted(record: NoteRecord, counted: number, slack: number): NoteRecord {
  const weight = weightOf(record);
  const isNear = Math.abs(weight - counted) <= slack;
  return { ...record, counted_bytes: isNear ? counted : weight };
}

export const holdingsOf = (record: NoteRecord) => ({ notes: 1, note_bytes: countedOf(record) });

export const previewOf = (data: NoteData | null): string =>
  data?.content?.md?.slice(0, PREVIEW_LENGTH) ?? "";

export function toNote(record: NoteRecord, data: NoteData | null): Note {
  const {
    preview: _preview,
    bytes: _bytes,
    version_bytes: _versions,
    counted_bytes: _counted,
    kept_at: _kept,
    listed_at: _listed,
    ...note
  } = record;
  return { ...note, data };
}

export function toSummary(
  { preview, id, user_id, title, created_at, updated_at }: NoteRecord,
): NoteSummary {
  return { id, user_id, title, data: { content: { md: preview } }, created_at, updated_at };
}

export const noSuchNote = () => new AppError("not_found", "There is no such note.");

export function isOwner(
  { id, role }: { id: string; role: Role },
  { user_id }: Pick<NoteRecord, "user_id">,
): boolean {
  return role === "admin" || id === user_id;
}

/** The owner, and whom the note is shared with by name. */
export function sharedWith({ user_id, access_grants }: NoteRecord): Principal[] {
  const owner = { principal_type: "user" as const, principal_id: user_id };
  return principalsOf([owner, ...access_grants])
    .filter(({ principal_id }) => principal_id !== EVERYONE);
}
