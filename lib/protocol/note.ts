import type { AccessGrant } from "./access_grants.ts";

/** A note's text in its three forms; `json` is ProseMirror's. */
export interface NoteContent {
  md?: string | null | undefined;
  html?: string | null | undefined;
  json?: Record<string, unknown> | null | undefined;
  [field: string]: unknown;
}

export interface NoteData {
  content?: NoteContent | null | undefined;
  [field: string]: unknown;
}

/** What a note is made of. */
export interface NoteBody {
  title: string;
  data?: NoteData | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
  access_grants?: AccessGrant[] | null | undefined;
}

/** What is changed in a note. */
export type NotePatch = Partial<NoteBody>;

/** A note as the API answers it. Times are unix seconds. */
export interface Note {
  id: string;
  user_id: string;
  title: string;
  data: NoteData | null;
  meta: Record<string, unknown> | null;
  access_grants: AccessGrant[];
  created_at: number;
  updated_at: number;
}

/** A note as lists show it: of its text, only how it begins. */
export type NoteSummary = Omit<Note, "meta" | "access_grants">;
