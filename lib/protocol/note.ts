import type { AccessGrant } from "./access_grants.ts";

/** A note's text in its three forms; `json` is ProseMirror's. */
export interface NoteContent {
  /** As Markdown. */
  md?: string | null | undefined;
  /** As HTML. */
  html?: string | null | undefined;
  /** As ProseMirror's document. */
  json?: Record<string, unknown> | null | undefined;
  /** What clients keep with the text. */
  [field: string]: unknown;
}

/** What a note holds beside its title. */
export interface NoteData {
  /** Its text. */
  content?: NoteContent | null | undefined;
  /** What clients keep with a note. */
  [field: string]: unknown;
}

/** What a note is made of. */
export interface NoteBody {
  /** The note's title. */
  title: string;
  /** What it holds. Default: nothing. */
  data?: NoteData | null | undefined;
  /** Data of clients, kept as it is sent. */
  meta?: Record<string, unknown> | null | undefined;
  /** Who may read and write it beside its owner. Default: nobody. */
  access_grants?: AccessGrant[] | null | undefined;
}

/** What is changed in a note. */
export type NotePatch = Partial<NoteBody>;

/** A note as the API answers it. Times are unix seconds. */
export interface Note {
  /** The note's id; its document is `note:{id}`. */
  id: string;
  /** Whose it is. */
  user_id: string;
  /** Its title. */
  title: string;
  /** What it holds, as it was last saved. */
  data: NoteData | null;
  /** Data of clients, as it was sent. */
  meta: Record<string, unknown> | null;
  /** Who may read and write it beside its owner. */
  access_grants: AccessGrant[];
  /** When it was made, in unix seconds. */
  created_at: number;
  /** When it was last changed, in unix seconds. */
  updated_at: number;
}

/** A note as lists show it: of its text, only how it begins. */
export type NoteSummary = Omit<Note, "meta" | "access_grants">;

/** An earlier text of a note, as the list of them shows it. */
export interface NoteVersion {
  /** Its id within the note. */
  id: string;
  /** When the note was saved with it, in unix seconds. */
  saved_at: number;
  /** How it begins, as Markdown. */
  preview: string;
  /** About what it takes in the store. */
  bytes: number;
}
