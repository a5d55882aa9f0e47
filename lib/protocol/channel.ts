/** Channels on the wire: bodies of requests, what is answered, and `events:channel`. */
import type { AccessGrant } from "./access_grants.ts";
import type { PublicUser, Viewer } from "./user.ts";

/** What is changed in a channel. */
export interface ChannelPatch {
  /** The channel's name. */
  name?: string | undefined;
  /** What the channel is for. */
  description?: string | null | undefined;
  /** Whether only those see it that are let in. */
  is_private?: boolean | null | undefined;
  /** Data of clients, kept as it is sent. */
  data?: Record<string, unknown> | null | undefined;
  /** Further data of clients, kept as it is sent. */
  meta?: Record<string, unknown> | null | undefined;
  /** Default: everyone may read and write, unless `is_private` is true. */
  access_grants?: AccessGrant[] | null | undefined;
}

/** What a channel is made of. */
export interface ChannelBody extends ChannelPatch {
  /** The channel's name. */
  name: string;
  /** Default: a channel whose readers are those of its grants. */
  type?: "" | "standard" | "group" | "dm" | null | undefined;
  /** Of the types `group` and `dm`: who is in it from the beginning. */
  user_ids?: string[] | null | undefined;
  /** Of the type `group`: groups whose people are in it from the beginning. */
  group_ids?: string[] | null | undefined;
}

/** What a message of a channel is made of. */
export interface MessageBody {
  /** The client's own name for the message, until it has an id. */
  temp_id?: string | null | undefined;
  /** The text, as Markdown; a mention is `<@U:user-id|name>`. */
  content: string;
  /** The message that this one answers, shown above it. */
  reply_to_id?: string | null | undefined;
  /** The message whose thread this one is in. */
  parent_id?: string | null | undefined;
  /** Data of clients, such as files, kept as it is sent. */
  data?: Record<string, unknown> | null | undefined;
  /** Further data of clients, kept as it is sent. */
  meta?: Record<string, unknown> | null | undefined;
}

/** What somebody may do in a channel that has members: a `manager` changes it and who is in it. */
export type ChannelRole = "member" | "manager";

/** `null`: by grants; `group`: by membership; `dm`: of one set of people, for good. */
export type ChannelType = null | "group" | "dm";

/** A channel as it is stored and as events carry it. Times are unix seconds. */
export interface Channel {
  /** The channel's id. */
  id: string;
  /** Who made it. */
  user_id: string;
  /** How one comes to be in it. */
  type: ChannelType;
  /** Its name; empty for direct channels. */
  name: string;
  /** What it is for. */
  description: string | null;
  /** Whether only those see it that are let in. */
  is_private: boolean;
  /** Data of clients, as it was sent. */
  data: Record<string, unknown> | null;
  /** Further data of clients, as it was sent. */
  meta: Record<string, unknown> | null;
  /** Who may read and write, where that is by grants. */
  access_grants: AccessGrant[];
  /** When it was made, in unix seconds. */
  created_at: number;
  /** When it was last changed, in unix seconds. */
  updated_at: number;
}

/** Somebody's membership of a channel of the types `group` and `dm`. */
export interface ChannelMember {
  /** The channel. */
  channel_id: string;
  /** Who is in it. */
  user_id: string;
  /** What they may do there. */
  role: ChannelRole;
  /** Who has let them in. */
  invited_by: string;
  /** Since when, in unix seconds. */
  joined_at: number;
}

/** Those who gave one reaction to a message. */
export interface Reactions {
  /** The reaction: an emoji, or a name that clients agree on. */
  name: string;
  /** Who gave it. */
  users: { id: string; name: string }[];
  /** How many gave it. */
  count: number;
}

/** A message as it is stored. */
export interface StoredMessage {
  /** The message's id. */
  id: string;
  /** Who said it; of a model's answer, who asked. */
  user_id: string;
  /** The channel that it is in. */
  channel_id: string;
  /** The message that this one answers. */
  reply_to_id: string | null;
  /** The message whose thread this one is in; `null`: it stands in the channel itself. */
  parent_id: string | null;
  /** Whether it is pinned. */
  is_pinned: boolean;
  /** Since when, in unix seconds. */
  pinned_at: number | null;
  /** Who has pinned it. */
  pinned_by: string | null;
  /** The text, as Markdown. */
  content: string;
  /** Data of clients, as it was sent. */
  data: Record<string, unknown> | null;
  /** Further data; `model_id` names the model that a text is of. */
  meta: Record<string, unknown> | null;
  /** When it was said, in unix seconds. */
  created_at: number;
  /** When it was last changed, in unix seconds. */
  updated_at: number;
  /** Where it stands among the others: milliseconds, finer than the clock, rising. */
  position: number;
  /** name → who reacted */
  reactions: Record<string, string[]>;
  /** Whether it has a thread. */
  has_replies?: boolean;
}

/** A message as the API answers it. */
export type ChannelMessage =
  & Omit<StoredMessage, "reactions" | "has_replies">
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
  /** The text was changed, or it was pinned. */
  "message:update": ChannelMessage;
  /** The message is gone; its replies went with it. */
  "message:delete": ChannelMessage;
  /** A reaction was given; `name` says which. */
  "message:reaction:add": ChannelMessage & { name: string };
  /** A reaction was taken back; `name` says which. */
  "message:reaction:remove": ChannelMessage & { name: string };
  /** Somebody types, or has stopped; `message_id` is the thread. */
  typing: { typing: boolean };
  /** Who looks at the channel just now: the first of them, and how many there are. */
  "channel:presence": { users: Viewer[]; total: number };
  /** There is a new channel for oneself. */
  "channel:created": Channel;
  /** The channel has changed, or is gone, or may be entered no more: who shows it asks again. */
  "channel:updated": null;
  /** Unix seconds. */
  last_read_at: { last_read_at: number };
}

/** The payload of `events:channel`. */
export interface ChannelEvent {
  /** The channel. */
  channel_id: string;
  /** The message; of `typing`, the thread. */
  message_id: string | null;
  /** What has happened. */
  data: {
    [T in keyof ChannelEventTypes]: { type: T; data: ChannelEventTypes[T] };
  }[keyof ChannelEventTypes];
  /** Whose doing it is. */
  user?: PublicUser;
  /** The channel as it is now. */
  channel?: Channel;
}

/** Says that there is something to ask for, not what: who hears it may have to leave. */
export const channelUpdated = (channelId: string): ChannelEvent => ({
  channel_id: channelId,
  message_id: null,
  data: { type: "channel:updated", data: null },
});
