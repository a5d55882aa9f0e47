/**
 * Every event name, room and payload of the wire (docs/protocol.md, sections 3 to 7), for server and client
 * alike. Payload schemas belong to the server's edge and stand in `lib/realtime/`.
 */
import type { AnswerFile, AnswerOutcome } from "./answer_outcome.ts";
import type { ErrorCode } from "./error_codes.ts";

export const SOCKET_PATH = "/ws/socket.io";

/** Chats that a session may follow by name (`chat:follow`); who follows more hears all. */
export const MAX_FOLLOWED_CHATS = 64;

/** People whose coming and going a session may watch (`users:watch`). */
export const MAX_WATCHED_USERS = 256;

export const rooms = {
  user: (userId: string) => `user:${userId}`,
  /** All sessions of admins. */
  admins: "admins",
  channel: (channelId: string) => `channel:${channelId}`,
  /** Who of a channel's members looks at it just now. */
  channelViewers: (channelId: string) => `viewers:channel:${channelId}`,
  note: (noteId: string) => `note:${noteId}`,
  /** Who looks at a chat, whoever's it is. */
  chat: (chatId: string) => `chat:${chatId}`,
  document: (documentId: string) => `doc_${documentId}`,
} as const;

/** What the text of an answer grows by. */
export interface CompletionDelta {
  /** Text that is added. */
  content?: string;
  /** Thought that is added. */
  reasoning_content?: string;
  /** Words in which the model refuses. */
  refusal?: string;
  /**
   * All content before this event was reasoning, of which only the end was marked: it becomes the
   * message's reasoning (there was none before), and this delta comes after that.
   */
  was_reasoning?: true;
}

/**
 * What a `chat:completion` event carries: a delta, an end, or both. Never the whole text again. With
 * `done` come the fields of the outcome, `refusal` whole.
 */
export interface CompletionData extends AnswerOutcome {
  /** New when the message is generated again; an older generation's events are to be dropped. */
  generation: string;
  /** OpenAI's own shape, so that a client of the original finds the delta where it looks for it. */
  choices?: [{ index: 0; delta: CompletionDelta }];
  /** Pictures as they come, each told once: to be added to those that the message has. */
  files?: AnswerFile[];
  /** The answer has ended; nothing of this generation follows. */
  done?: boolean;
  /** The chat's title; comes with the end. */
  title?: string;
}

/** An event of the event emitter (docs/protocol.md, section 6). */
export interface EmitterData {
  /** What has happened: a name of `ChatEventTypes`. */
  type: string;
  /** What belongs to the type. */
  data?: unknown;
}

/** The payload of `events`. */
export interface ChatEvent<D extends EmitterData = EmitterData> {
  /** The chat. */
  chat_id: string;
  /** Empty where the event is of the chat as a whole. */
  message_id: string;
  /** What has happened. */
  data: D;
  /** Of events for all who look at a chat: whose doing it is. */
  shared?: true;
  /** The user whose doing it is. */
  user_id?: string;
  /** The same with their name. */
  user?: { id: string; name: string };
  /** Of `chat:completion`: rises by one from 1 within a generation. */
  seq?: number;
  /** The first seq of those that were merged into this event; absent when it is one. */
  from?: number;
}

/** A part of an answer, numbered within its generation. */
export type CompletionEvent = ChatEvent<{ type: "chat:completion"; data: CompletionData }> & {
  seq: number;
};

/**
 * The ack of `chat:resume` (docs/protocol.md, section 7). `content`, `reasoning`, `refusal` and `files` are
 * what comes after the seq that was asked for, or all there is; the outcome comes with `done`, and
 * then `refusal` is whole.
 */
export interface ResumeAnswer extends Omit<AnswerOutcome, "usage" | "timing"> {
  /** Whether the generation is still running. */
  active: boolean;
  /** The instance that runs it does not answer: it goes on, or ends as interrupted. */
  lost?: true;
  /** The generation that the rest is of; absent where no stream is known. */
  generation?: string;
  /** The last seq that `content` holds; live events go on with the next. */
  seq: number;
  /** The text after the seq that was asked for. */
  content: string;
  /** The thought after it. */
  reasoning?: string;
  /** The content that the client has is reasoning, see {@linkcode CompletionDelta}. */
  was_reasoning?: true;
  /** The pictures after it. */
  files?: AnswerFile[];
  /** Whether the answer has ended. */
  done: boolean;
}

/** What an event of an answer's stream over HTTP carries (docs/protocol.md, section 7). */
export interface AnswerStreamData
  extends Omit<ResumeAnswer, "active" | "generation">, AnswerOutcome {
  /** The generation that the rest is of. */
  generation: string;
  /** What was read before does not count: this is all there is. */
  reset?: true;
}

/** The payload of `error`. */
export interface ErrorEvent {
  /** The event that was refused; `session`: the session has ended. */
  event: string;
  /** What a program goes by. */
  code: ErrorCode;
  /** Why, in words for a person. */
  message: string;
}
