import * as v from "valibot";
import { type AccessGrant, AccessGrantsSchema } from "./access_grants.ts";

const TitleSchema = v.pipe(v.string(), v.maxLength(1_000));

const MAX_DEPTH = 500;
const TOO_DEEP = "must not be nested so deep";

/** Whether the value is nested at most so deep that what stores and reads it can walk it. */
function isWalkable(value: unknown): boolean {
  const open: [unknown, number][] = [[value, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [one, depth] = next;
    if (typeof one !== "object" || one === null) continue;
    if (depth > MAX_DEPTH) return false;
    for (const inner of Object.values(one)) open.push([inner, depth + 1]);
  }
  return true;
}
/** A note's text in its three forms; `json` is ProseMirror's. */
const ContentSchema = v.looseObject({
  md: v.nullish(v.string()),
  html: v.nullish(v.string()),
  json: v.nullish(v.looseObject({})),
});
const RecordSchema = v.nullish(
  v.pipe(v.record(v.string(), v.unknown()), v.check((value) => isWalkable(value), TOO_DEEP)),
);
const DataSchema = v.pipe(
  v.looseObject({ content: v.nullish(ContentSchema) }),
  v.check((value) => isWalkable(value), TOO_DEEP),
);
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
