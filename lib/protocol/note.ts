import * as v from "valibot";
import { type AccessGrant, AccessGrantsSchema } from "./access_grants.ts";

const TitleSchema = v.pipe(v.string(), v.maxLength(1_000));
const RecordSchema = v.nullish(v.record(v.string(), v.unknown()));

/** A note's text in its three forms; `json` is ProseMirror's. */
const ContentSchema = v.looseObject({
  md: v.nullish(v.string()),
  html: v.nullish(v.string()),
  json: v.nullish(v.looseObject({})),
});
const DataSchema = v.looseObject({ content: v.nullish(ContentSchema) });
export type NoteData = v.InferOutput<typeof DataSchema>;

export const NoteBodySchema = v.object({
  title: TitleSchema,
  data: v.nullish(DataSchema),
  meta: RecordSchema,
  access_grants: v.nullish(AccessGrantsSchema),
});
export type NoteBody = v.InferOutput<typeof NoteBodySchema>;

export const NotePatchSchema = v.partial(NoteBodySchema);
export type NotePatch = v.InferOutput<typeof NotePatchSchema>;

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
