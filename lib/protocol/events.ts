/**
 * Every event name, room and payload of the wire (protocol, sections 3 to 7), for server and client
 * alike. Payload schemas belong to the server's edge and stand in `lib/realtime/`.
 */
import type { ErrorCode } from "./error_codes.ts";

export const SOCKET_PATH = "/ws/socket.io";

/** Chats that a session may follow by name (`chat:follow`); who follows more hears all. */
export const MAX_FOLLOWED_CHATS = 64;

export const rooms = {
  user: (userId: string) => `user:${userId}`,
  channel: (channelId: string) => `channel:${channelId}`,
  note: (noteId: string) => `note:${noteId}`,
  document: (documentId: string) => `doc_${documentId}`,
} as const;

/** What a `chat:completion` event carries: a delta, an end, or both. Never the whole text again. */
export interface CompletionData {
  /** New when the message is generated again; an older generation's events are to be dropped. */
  generation: string;
  /** OpenAI's own shape, so that a client of the original finds the delta where it looks for it. */
  choices?: [{ index: 0; delta: { content?: string; reasoning_content?: string } }];
  /** The answer has ended; nothing of this generation follows. */
  done?: boolean;
  /** Why it ended without being whole. */
  error?: { code: ErrorCode; content: string };
  /** It ended by a stop, or with the instance that wrote it. */
  interrupted?: boolean;
  usage?: Record<string, unknown>;
  title?: string;
}

/** An event of the event emitter (protocol, section 6). */
export interface EmitterData {
  type: string;
  data?: unknown;
}

/** The payload of `events`. */
export interface ChatEvent<D extends EmitterData = EmitterData> {
  chat_id: string;
  message_id: string;
  data: D;
  /** Of `chat:completion`: rises by one from 1 within a generation. */
  seq?: number;
  /** The first seq of those that were merged into this event; absent when it is one. */
  from?: number;
}

export type CompletionEvent = ChatEvent<{ type: "chat:completion"; data: CompletionData }> & {
  seq: number;
};

/** The ack of `chat:resume` (protocol, section 7). */
export interface ResumeAnswer {
  /** Whether the generation is still running. */
  active: boolean;
  generation?: string;
  /** The last seq that `content` holds; live events go on with the next. */
  seq: number;
  /** The text after the seq that was asked for, or the whole text. */
  content: string;
  reasoning?: string;
  done: boolean;
  error?: CompletionData["error"];
  interrupted?: boolean;
}

/** The payload of `error`. */
export interface ErrorEvent {
  event: string;
  code: ErrorCode;
  message: string;
}
