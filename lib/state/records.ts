/**
 * What is stored under the keys of `key_space.ts`, as it must be when it is read: another version, an
 * instance of Open WebUI or a damaged store may have written it.
 *
 * A schema names what the code relies on and no more. What a record has beside it is kept, so that
 * an older version does not take away what a newer one wrote. What only serves to be shown has a
 * fallback, so that a user without a picture is a user still; what decides who may do what has none,
 * or one that lets nobody in.
 */
import * as v from "valibot";
import { AccessGrantSchema } from "../protocol/schemas/access_grants.ts";
import { type Channel, type ChannelMember, type StoredMessage } from "../protocol/channel.ts";
import type { Chat, ChatBody, ChatMessage } from "../protocol/chat.ts";
import type { Group } from "../protocol/group.ts";
import type { Note, NoteContent, NoteData, NoteVersion } from "../protocol/note.ts";
import type { User } from "../protocol/user.ts";
import { RoleSchema } from "../protocol/schemas/user.ts";

/** Whatever stands in the store: a `T`, or why it is none. */
export type RecordSchema<T> = v.GenericSchema<unknown, T>;

const id = v.pipe(v.string(), v.minLength(1));
const text = v.fallback(v.string(), "");
const time = v.fallback(v.number(), 0);
const count = time;
const isObject = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value);
/** `v.record` (valibot 1.5.0) leaves out `__proto__` and its like, which are names of reactions, too. */
const isReactions = (value: unknown) =>
  typeof value === "object" && value !== null &&
  Object.values(value).every((ids) => v.is(v.array(v.string()), ids));
const details = v.fallback(v.nullable(v.custom<Record<string, unknown>>(isObject)), null);
const grants = v.fallback(v.array(AccessGrantSchema), []);

/** An object with these entries, and whatever stands beside them. */
function record<E extends v.ObjectEntries>(
  entries: E,
): RecordSchema<v.InferOutput<v.ObjectSchema<E, undefined>>> {
  return v.looseObject(entries);
}

/** Open WebUI writes texts as they are: one of digits is read as a number. */
export const TextSchema: RecordSchema<string> = v.union([
  v.string(),
  v.pipe(v.number(), v.transform(String)),
]);
export const NumberSchema: RecordSchema<number> = v.number();

/** The form of a store's records, and the version of the server that brought them into it. */
export const StoreSchemaSchema = record({ version: v.number(), written_by: text });

// Who is connected, and what runs.

/** A session as other instances need it. Open WebUI's own instances write no `instance_id`. */
export const SessionSchema = record({
  id,
  name: text,
  last_seen_at: time,
  instance_id: v.fallback(v.optional(v.string()), undefined),
  /** The chats that it looks at. */
  chat_ids: v.fallback(v.optional(v.array(v.string())), undefined),
});
export type SessionRecord = v.InferOutput<typeof SessionSchema>;

/** Somebody who looks at a chat or a channel. */
export const ViewerSchema = record({ id, name: text, instance_id: id });
export type ViewerRecord = v.InferOutput<typeof ViewerSchema>;

/** Socket id → when it last said that it uses the model, in unix seconds. */
export const ModelUsageSchema = v.record(
  v.string(),
  v.fallback(v.object({ updated_at: v.number() }), { updated_at: 0 }),
);
export type ModelUsage = v.InferOutput<typeof ModelUsageSchema>;

/** An instance's sign of life. Times in milliseconds since the epoch, by its own clock. */
export const InstanceHeartbeatSchema = record({
  heartbeat_at: v.number(),
  started_at: time,
  host: v.fallback(v.optional(v.string()), undefined),
  /** How many sockets it holds. */
  sockets: v.fallback(v.optional(v.number()), undefined),
});
export type InstanceHeartbeat = v.InferOutput<typeof InstanceHeartbeatSchema>;

/** Who runs a task for whom. `started_at` in milliseconds since the epoch. */
export const TaskOwnerSchema = record({
  user_id: id,
  instance_id: id,
  kind: v.string(),
  item_id: v.string(),
  started_at: time,
});
export type TaskOwner = v.InferOutput<typeof TaskOwnerSchema>;

// Users and groups.

export const DEFAULT_PICTURE = "/user.png";

/** A user as stored. The hash never leaves `lib/users`. */
export interface UserRecord extends User {
  password_hash?: string | undefined;
}

export const UserSchema: RecordSchema<UserRecord> = record({
  id,
  email: v.string(),
  name: text,
  role: RoleSchema,
  profile_image_url: v.fallback(v.string(), DEFAULT_PICTURE),
  last_active_at: time,
  created_at: time,
  updated_at: time,
  password_hash: v.fallback(v.optional(v.string()), undefined),
});

/** What a user has in the store: counts, and bytes as they are written. */
export const UserHoldingsSchema = record({
  chats: count,
  messages: count,
  chat_bytes: count,
  notes: count,
  note_bytes: count,
  channels: count,
  posts: count,
  post_bytes: count,
});
export type UserHoldings = v.InferOutput<typeof UserHoldingsSchema>;

/** Something that one user at most can have, such as an e-mail address. */
export const UniqueClaimSchema = record({ id, claimed_at_ms: time });
export type UniqueClaim = v.InferOutput<typeof UniqueClaimSchema>;

export type GroupRecord = Omit<Group, "member_count">;

export const GroupSchema: RecordSchema<GroupRecord> = record({
  id,
  user_id: id,
  name: text,
  description: text,
  permissions: details,
  data: details,
  meta: details,
  created_at: time,
  updated_at: time,
});

// Chats and what streams into them.

export const ChatSchema: RecordSchema<Chat> = record({
  id,
  user_id: id,
  title: text,
  chat: v.fallback(v.custom<ChatBody>(isObject), {}),
  created_at: time,
  updated_at: time,
  last_read_at: v.fallback(v.optional(v.number()), undefined),
  pinned: v.fallback(v.optional(v.boolean()), undefined),
});

/** What a chat is found by: its title, and each word that is said in it once, a line each. */
export const ChatWordsSchema = record({ title: text, words: text });
export type ChatWords = v.InferOutput<typeof ChatWordsSchema>;

export const ChatMessageRecordSchema: RecordSchema<ChatMessage> = record({
  id,
  parentId: v.fallback(v.optional(v.nullable(v.string())), null),
  childrenIds: v.fallback(v.array(v.string()), []),
  role: v.picklist(["user", "assistant", "system", "tool"]),
  content: text,
});

/** Where a generation stands, for who comes back at another instance. */
export const StreamHeadSchema = record({
  generation: id,
  userId: id,
  owner: v.string(),
  state: v.picklist(["running", "ended"]),
  seq: v.optional(v.number()),
});

/** A running stream, as the sweep finds it. */
export const RunningStreamSchema = record({
  userId: id,
  chatId: id,
  messageId: id,
  owner: id,
  taskId: v.optional(v.string()),
});

/** What the log keeps of a part that is more than words and thoughts. */
export const LogPartSchema = v.object({
  content: v.string(),
  reasoning: v.string(),
  wasReasoning: v.optional(v.literal(true)),
  refusal: v.optional(v.string()),
  files: v.optional(v.array(v.object({ type: v.literal("image"), url: v.string() }))),
});

/** What the log keeps of a batch; a part without reasoning is a string. */
export const LogBatchSchema = v.array(
  v.union([v.string(), v.tuple([v.string(), v.string()]), LogPartSchema]),
);

/** What an instance's streams said within a moment: generation → the seq of the first part, the batch. */
export const JournalEntrySchema = v.record(v.string(), v.tuple([v.number(), LogBatchSchema]));

// Notes and channels.

/** A note without its text, and how the text begins. */
export type NoteRecord = Omit<Note, "data"> & { preview: string };

export const NoteSchema: RecordSchema<NoteRecord> = record({
  id,
  user_id: id,
  title: text,
  meta: details,
  access_grants: grants,
  preview: text,
  created_at: time,
  updated_at: time,
});

export const NoteContentSchema: RecordSchema<NoteContent> = record({
  md: v.fallback(v.nullish(v.string()), null),
  html: v.fallback(v.nullish(v.string()), null),
  json: v.fallback(v.nullish(v.looseObject({})), null),
});

export const NoteDataSchema: RecordSchema<NoteData> = record({
  content: v.fallback(v.nullish(NoteContentSchema), null),
});

export const NoteVersionsSchema: RecordSchema<NoteVersion[]> = v.array(
  record({ id, saved_at: time, preview: text, bytes: count }),
);

export const ChannelSchema: RecordSchema<Channel> = record({
  id,
  user_id: id,
  type: v.nullable(v.picklist(["group", "dm"])),
  name: text,
  description: v.fallback(v.nullable(v.string()), null),
  is_private: v.fallback(v.boolean(), true),
  data: details,
  meta: details,
  access_grants: grants,
  created_at: time,
  updated_at: time,
});

export const ChannelMemberSchema: RecordSchema<ChannelMember> = record({
  channel_id: id,
  user_id: id,
  role: v.fallback(v.picklist(["member", "manager"]), "member"),
  invited_by: text,
  joined_at: time,
});

export const StoredMessageSchema: RecordSchema<StoredMessage> = record({
  id,
  user_id: id,
  channel_id: id,
  reply_to_id: v.fallback(v.nullable(v.string()), null),
  parent_id: v.fallback(v.nullable(v.string()), null),
  is_pinned: v.fallback(v.boolean(), false),
  pinned_at: v.fallback(v.nullable(v.number()), null),
  pinned_by: v.fallback(v.nullable(v.string()), null),
  content: text,
  data: details,
  meta: details,
  created_at: time,
  updated_at: time,
  position: v.number(),
  reactions: v.fallback(v.custom<StoredMessage["reactions"]>(isReactions), {}),
  has_replies: v.fallback(v.optional(v.boolean()), undefined),
});

/** How far a user has read a channel. */
export const ReadMarkSchema = record({ at: v.number(), position: v.number() });

/** Which answer of a model is being written in a channel, and where. */
export const RunningAnswerSchema = record({
  channel_id: id,
  user_id: id,
  instance_id: id,
  /** By which it is stopped; not there before it runs. */
  task_id: v.optional(id),
});

/** A channel that is being deleted, and since when. */
export const ChannelDeletionSchema = record({ channel: ChannelSchema, at: time });
