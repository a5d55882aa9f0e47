/**
 * One schema for each payload a client sends (docs/protocol.md, section 4). What a schema does not name is
 * ignored; what it names is checked before a handler sees it.
 */
import * as v from "valibot";
import { AnyChatIdSchema, IdSchema } from "../protocol/schemas/chat.ts";
import { MAX_FOLLOWED_CHATS, MAX_WATCHED_USERS } from "../protocol/events.ts";

/** A token is a few hundred bytes; anything longer is no token. */
const TokenSchema = v.pipe(v.string(), v.maxLength(8192));
const AuthSchema = v.object({ token: TokenSchema });
const NameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

/** The handshake's `auth`: a client without a token is let in, without a session. */
export const HandshakeSchema = v.object({
  token: v.optional(v.nullable(TokenSchema)),
  /** Socket.IO's name for a session that was before. */
  pid: v.fallback(v.optional(v.string()), undefined),
});

export const UserJoinSchema = v.object({ auth: AuthSchema });

/** Open WebUI's client sends `{}`; a client that sends nothing means the same. */
export const HeartbeatSchema = v.nullish(v.object({}));

export const UsageSchema = v.object({ model: NameSchema });

export const UsersWatchSchema = v.object({
  /** Instead of those before; none ends it. */
  user_ids: v.pipe(v.array(IdSchema), v.maxLength(MAX_WATCHED_USERS)),
});

export const ChatEventSchema = v.object({
  chat_id: AnyChatIdSchema,
  data: v.object({
    type: NameSchema,
    data: v.nullish(v.looseObject({ typing: v.optional(v.boolean()) })),
  }),
});

export const ChatResumeSchema = v.object({
  chat_id: AnyChatIdSchema,
  message_id: v.nullish(IdSchema),
  /** The last seq that the client has; absent: the whole text. */
  after: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** The generation that `after` belongs to; of another one, the whole text is answered. */
  generation: v.nullish(v.pipe(v.string(), v.maxLength(64))),
});

export const ChatFollowSchema = v.object({
  /** `null`: the answers of all chats, as in the beginning. */
  chat_ids: v.nullable(v.pipe(v.array(AnyChatIdSchema), v.maxLength(MAX_FOLLOWED_CHATS))),
});

/** The answer of a browser-run model: a line of its stream, a parsed chunk, or its end. */
export const BrowserModelLineSchema = v.union([
  v.string(),
  v.looseObject({ done: v.optional(v.boolean()) }),
]);
export type BrowserModelLine = v.InferOutput<typeof BrowserModelLineSchema>;

/** A line of a browser's stream, on its way to whoever waits for it. */
export interface BrowserLine {
  channel: string;
  userId: string;
  sid: string;
  line: BrowserModelLine;
}
