/** Every event of the wire by its name, for both ends (docs/protocol.md, sections 4 and 5). */
import type { ChannelEvent } from "./channel.ts";
import type {
  DocumentAwarenessEvent,
  DocumentStateEvent,
  DocumentUpdateEvent,
  DocumentUserEvent,
  WireBytes,
} from "./document_events.ts";
import type { ChatEvent, ErrorEvent, ResumeAnswer } from "./events.ts";
import type { Note, NoteData } from "./note.ts";

/** What a client hears; `events` may come with an ack that is waited for. */
export interface ServerEvents {
  events: ChatEvent;
  "events:channel": ChannelEvent;
  /** A note in whose room one is was changed over HTTP. */
  "events:note": Note;
  "ydoc:document:state": DocumentStateEvent;
  "ydoc:document:update": DocumentUpdateEvent;
  "ydoc:awareness:update": DocumentAwarenessEvent;
  "ydoc:user:joined": DocumentUserEvent;
  "ydoc:user:left": DocumentUserEvent;
  error: ErrorEvent;
  /** Events may have been lost on their way between instances: ask for what you follow. */
  missed: Record<string, never>;
}
export type ServerEventName = keyof ServerEvents;

/** Who speaks, where the handshake has not said it. */
export interface Auth {
  auth: { token: string };
}

/** The answer to what has nothing to say but that it was taken. */
export interface Taken {
  status: true;
}

/** What a client says, and what it is answered where it waits for an ack. */
export interface ClientEvents {
  "user-join": { payload: Auth; answer: { id: string; name: string } };
  heartbeat: { payload: Record<string, never>; answer: Taken };
  usage: { payload: { model: string }; answer: Taken };
  "join-channels": { payload: Partial<Auth>; answer: Taken };
  "join-note": { payload: { note_id: string } & Partial<Auth>; answer: Taken };
  "events:channel": {
    payload: {
      channel_id: string;
      /** The thread. */
      message_id?: string;
      data: { type: "typing"; data?: { typing: boolean } } | { type: "last_read_at" };
    };
    answer: Taken;
  };
  "events:chat": {
    payload: { chat_id: string; message_id?: string; data: { type: "last_read_at" } };
    answer: Taken;
  };
  "chat:resume": {
    payload: { chat_id: string; message_id?: string; generation?: string; after?: number };
    answer: ResumeAnswer;
  };
  /** `null`: all of the user's chats. */
  "chat:follow": { payload: { chat_ids: string[] | null }; answer: Taken };
  "ydoc:document:join": {
    payload: {
      document_id: string;
      user_id?: string;
      user_name?: string;
      user_color?: string;
      state_vector?: WireBytes;
    };
    answer: Taken;
  };
  "ydoc:document:state": {
    payload: { document_id: string; state_vector?: WireBytes };
    answer: Taken;
  };
  "ydoc:document:update": {
    payload: { document_id: string; update?: WireBytes; data?: NoteData };
    answer: Taken;
  };
  "ydoc:document:leave": { payload: { document_id: string }; answer: Taken };
  "ydoc:awareness:update": {
    payload: { document_id: string; update: WireBytes };
    answer: Taken;
  };
}
export type ClientEventName = keyof ClientEvents;

/** The event under which a browser sends the lines of its own model back: named by the server. */
export type StreamChannel = string & { readonly isStreamChannel: true };

/** A line of an SSE stream, or the stream's end: with `error`, it broke off. */
export type StreamLine = string | { done: true; error?: string };

/** The payload or the answer of an event. */
export type PartOf<E, P extends "payload" | "answer"> = E extends ClientEventName
  ? ClientEvents[E] extends Record<P, infer T> ? T : never
  : never;

/** What may be sent under a name. */
export type PayloadOf<E extends ClientEventName | StreamChannel> = E extends ClientEventName
  ? PartOf<E, "payload">
  : StreamLine;

/** What comes back. */
export type AnswerOf<E extends ClientEventName | StreamChannel> = E extends ClientEventName
  ? PartOf<E, "answer">
  : Taken;
