import * as v from "valibot";
import { AccessGrantsSchema } from "./access_grants.ts";

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

export const NoteBodySchema = v.object({
  title: TitleSchema,
  data: v.nullish(DataSchema),
  meta: RecordSchema,
  access_grants: v.nullish(AccessGrantsSchema),
});

export const NotePatchSchema = v.partial(NoteBodySchema);
