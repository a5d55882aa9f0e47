import * as v from "valibot";
import { IdSchema } from "./chat.ts";

const RecordSchema = v.nullish(v.record(v.string(), v.unknown()));
const NameSchema = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200));
const DescriptionSchema = v.pipe(v.string(), v.maxLength(10_000));

export const GroupBodySchema = v.object({
  name: NameSchema,
  description: v.optional(DescriptionSchema, ""),
  permissions: RecordSchema,
  data: RecordSchema,
  meta: RecordSchema,
});

export const GroupPatchSchema = v.object({
  name: v.optional(NameSchema),
  description: v.optional(DescriptionSchema),
  permissions: RecordSchema,
  data: RecordSchema,
  meta: RecordSchema,
});

/** Members of one request. */
export const UserIdsSchema = v.object({
  user_ids: v.pipe(v.array(IdSchema), v.maxLength(500)),
});
