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
export type GroupBody = v.InferOutput<typeof GroupBodySchema>;

export const GroupPatchSchema = v.object({
  name: v.optional(NameSchema),
  description: v.optional(DescriptionSchema),
  permissions: RecordSchema,
  data: RecordSchema,
  meta: RecordSchema,
});
export type GroupPatch = v.InferOutput<typeof GroupPatchSchema>;

/** Members of one request. */
export const UserIdsSchema = v.object({
  user_ids: v.pipe(v.array(IdSchema), v.maxLength(500)),
});

/** A group as the API answers it. Times are unix seconds. */
export interface Group {
  id: string;
  user_id: string;
  name: string;
  description: string;
  permissions: Record<string, unknown> | null;
  data: Record<string, unknown> | null;
  meta: Record<string, unknown> | null;
  /** Counted up to 10,000. */
  member_count: number;
  created_at: number;
  updated_at: number;
}
