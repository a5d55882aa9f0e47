import * as v from "valibot";
import { AccessGrantsSchema } from "./access_grants.ts";
import { IdSchema } from "./chat.ts";

const RecordSchema = v.nullish(v.record(v.string(), v.unknown()));
const IdsSchema = v.nullish(v.pipe(v.array(IdSchema), v.maxLength(500)));
const NameSchema = v.pipe(v.string(), v.trim(), v.maxLength(128));

export const ChannelBodySchema = v.object({
  /** Default: a channel whose readers are those of its grants. */
  type: v.nullish(v.picklist(["", "standard", "group", "dm"])),
  name: v.optional(NameSchema, ""),
  description: v.nullish(v.pipe(v.string(), v.maxLength(10_000))),
  is_private: v.nullish(v.boolean()),
  data: RecordSchema,
  meta: RecordSchema,
  /** Default: everyone may read and write, unless `is_private` is true. */
  access_grants: v.nullish(AccessGrantsSchema),
  user_ids: IdsSchema,
  group_ids: IdsSchema,
});

export const ChannelPatchSchema = v.object({
  name: v.optional(NameSchema),
  description: v.nullish(v.pipe(v.string(), v.maxLength(10_000))),
  is_private: v.nullish(v.boolean()),
  data: RecordSchema,
  meta: RecordSchema,
  access_grants: v.nullish(AccessGrantsSchema),
});

export const AddMembersSchema = v.object({
  user_ids: IdsSchema,
  group_ids: IdsSchema,
  role: v.optional(v.picklist(["member", "manager"])),
});

export const MessageBodySchema = v.object({
  /** The client's own name for the message, until it has an id. */
  temp_id: v.nullish(v.pipe(v.string(), v.maxLength(128))),
  content: v.pipe(v.string(), v.maxLength(200_000)),
  reply_to_id: v.nullish(IdSchema),
  parent_id: v.nullish(IdSchema),
  data: RecordSchema,
  meta: RecordSchema,
});

/** A name or an emoji. */
export const ReactionSchema = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
});
export const PinSchema = v.object({ is_pinned: v.boolean() });
