/** Channels on the wire: bodies of requests, what is answered, and `events:channel`. */
import * as v from "valibot";
import { type AccessGrant, AccessGrantsSchema } from "./access_grants.ts";
import { IdSchema } from "./chat.ts";
import type { PublicUser } from "./user.ts";

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
export type ChannelBody = v.InferOutput<typeof ChannelBodySchema>;

export const ChannelPatchSchema = v.object({
  name: v.optional(NameSchema),
  description: v.nullish(v.pipe(v.string(), v.maxLength(10_000))),
  is_private: v.nullish(v.boolean()),
  data: RecordSchema,
  meta: RecordSchema,
  access_grants: v.nullish(AccessGrantsSchema),
});
export type ChannelPatch = v.InferOutput<typeof ChannelPatchSchema>;

export const ROLES_IN_CHANNEL = ["member", "manager"] as const;
export type ChannelRole = typeof ROLES_IN_CHANNEL[number];

export const AddMembersSchema = v.object({
  user_ids: IdsSchema,
  group_ids: IdsSchema,
  role: v.optional(v.picklist(ROLES_IN_CHANNEL)),
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
export type MessageBody = v.InferOutput<typeof MessageBodySchema>;

/** A name or an emoji. */
export const ReactionSchema = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
});
export const PinSchema = v.object({ is_pinned: v.boolean() });

/** `null`: by grants; `group`: by membership; `dm`: of one set of people, for good. */
export type ChannelType = null | "group" | "dm";

/** A channel as it is stored and as events carry it. Times are unix seconds. */
export interface Channel {
  id: string;
  user_id: string;
  type: ChannelType;
  name: string;
  description: string | null;
  is_private: boolean;
  data: Record<string, unknown> | null;
  meta: Record<string, unknown> | null;
  access_grants: AccessGrant[];
  created_at: number;
  updated_at: number;
}

/** Somebody's membership of a channel of the types `group` and `dm`. */
export interface ChannelMember {
  channel_id: string;
  user_id: string;
  role: ChannelRole;
  invited_by: string;
  joined_at: number;
}

export interface Reactions {
  name: string;
  users: { id: string; name: string }[];
  count: number;
}

/** A message as it is stored. */
export interface StoredMessage {
  id: string;
  user_id: string;
  channel_id: string;
  reply_to_id: string | null;
  parent_id: string | null;
  is_pinned: boolean;
  pinned_at: number | null;
  pinned_by: string | null;
  content: string;
  data: Record<string, unknown> | null;
  meta: Record<string, unknown> | null;
  created_at: number;
  updated_at: number;
  /** Where it stands among the others: milliseconds, finer than the clock, rising. */
  position: number;
  /** name → who reacted */
  reactions: Record<string, string[]>;
  has_replies?: boolean;
}

/** A message as the API answers it. */
export type ChannelMessage =
  & Omit<StoredMessage, "reactions" | "position" | "has_replies">
  & {
    user: PublicUser | null;
    reactions: Reactions[];
    /** Counted up to 1,000. */
    reply_count: number;
    latest_reply_at: number | null;
    reply_to_message: ChannelMessage | null;
  };

/** The data of each type of `events:channel` (protocol, section 5). */
export interface ChannelEventTypes {
  /** `temp_id`: the name that its author's client gave it. */
  message: ChannelMessage & { temp_id?: string };
  /** The message that began the thread, with its replies counted anew. */
  "message:reply": ChannelMessage;
  "message:update": ChannelMessage;
  "message:delete": ChannelMessage;
  "message:reaction:add": ChannelMessage & { name: string };
  "message:reaction:remove": ChannelMessage & { name: string };
  typing: { typing: boolean };
  "channel:created": Channel;
  /** The channel has changed, or is gone, or may be entered no more: who shows it asks again. */
  "channel:updated": null;
  /** Unix seconds. */
  last_read_at: { last_read_at: number };
}

/** The payload of `events:channel`. */
export interface ChannelEvent {
  channel_id: string;
  message_id: string | null;
  data: {
    [T in keyof ChannelEventTypes]: { type: T; data: ChannelEventTypes[T] };
  }[keyof ChannelEventTypes];
  user?: PublicUser;
  channel?: Channel;
}

/** Says that there is something to ask for, not what: who hears it may have to leave. */
export const channelUpdated = (channelId: string): ChannelEvent => ({
  channel_id: channelId,
  message_id: null,
  data: { type: "channel:updated", data: null },
});
