/** Channels on the wire: bodies of requests, what is answered, and `events:channel`. */
import type { AccessGrant } from "./access_grants.ts";
import type { PublicUser } from "./user.ts";

/** What is changed in a channel. */
export interface ChannelPatch {
  name?: string | undefined;
  description?: string | null | undefined;
  is_private?: boolean | null | undefined;
  data?: Record<string, unknown> | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
  /** Default: everyone may read and write, unless `is_private` is true. */
  access_grants?: AccessGrant[] | null | undefined;
}

/** What a channel is made of. */
export interface ChannelBody extends ChannelPatch {
  name: string;
  /** Default: a channel whose readers are those of its grants. */
  type?: "" | "standard" | "group" | "dm" | null | undefined;
  user_ids?: string[] | null | undefined;
  group_ids?: string[] | null | undefined;
}

/** What a message of a channel is made of. */
export interface MessageBody {
  /** The client's own name for the message, until it has an id. */
  temp_id?: string | null | undefined;
  content: string;
  reply_to_id?: string | null | undefined;
  parent_id?: string | null | undefined;
  data?: Record<string, unknown> | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
}

export const ROLES_IN_CHANNEL = ["member", "manager"] as const;
export type ChannelRole = typeof ROLES_IN_CHANNEL[number];

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

/** The data of each type of `events:channel` (docs/protocol.md, section 5). */
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
