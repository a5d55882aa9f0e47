import * as v from "valibot";
import { MAX_MESSAGES } from "../chat.ts";

/** What objects have by themselves: an entry of that name would be lost on the way. */
const OF_OBJECTS = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Ids that a client may choose: no separators of keys or rooms, nothing invisible. A UUID is one.
 * `temporary:…`, `local:…` and `channel:…` ids of the event emitter are a schema of their own.
 */
export const IdSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(128),
  v.regex(/^[A-Za-z0-9_.~-]+$/, "must be letters, digits and _ . ~ -"),
  v.check((id) => !OF_OBJECTS.has(id), "must be another name"),
);

/** The id of any chat that has answers. */
export const AnyChatIdSchema = v.union([
  IdSchema,
  v.pipe(v.string(), v.maxLength(140), v.regex(/^(temporary|local):[A-Za-z0-9_.~-]*$/)),
], "must be letters, digits and _ . ~ -, or those after temporary:");

/** A message of a chat's history. What it does not name is kept as the client sent it. */
export const ChatMessageSchema = v.looseObject({
  id: IdSchema,
  parentId: v.optional(v.nullable(IdSchema)),
  childrenIds: v.optional(v.array(IdSchema), () => []),
  role: v.picklist(["user", "assistant", "system", "tool"]),
  content: v.optional(v.string(), ""),
  model: v.optional(v.string()),
  done: v.optional(v.boolean()),
  timestamp: v.optional(v.number()),
});

export const TOO_MANY_MESSAGES = `must be at most ${MAX_MESSAGES} messages`;

/** Counted before each of them is looked at, so that too many cost nothing. */
const MessagesSchema = v.pipe(
  v.custom<Record<string, unknown>>(
    (value) =>
      typeof value !== "object" || value === null || Object.keys(value).length <= MAX_MESSAGES,
    TOO_MANY_MESSAGES,
  ),
  v.record(IdSchema, ChatMessageSchema),
);

export const ChatBodySchema = v.looseObject({
  title: v.optional(v.pipe(v.string(), v.maxLength(1000))),
  models: v.optional(v.array(v.string())),
  params: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
  history: v.optional(v.looseObject({
    currentId: v.optional(v.nullable(IdSchema)),
    /** Left out: those that are there stay as they are. */
    messages: v.optional(MessagesSchema),
    /** What the sender had read of the chat: handed out with a history, given back unread. */
    seen: v.optional(v.pipe(v.string(), v.maxLength(256))),
  })),
});
