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
import type { UserEvent } from "./user.ts";

/** What a client hears; `events` may come with an ack that is waited for. */
export interface ServerEvents {
  /** Something has happened in a chat; which types there are says `ChatEventTypes`. */
  events: ChatEvent;
  /** Something has happened in a channel. */
  "events:channel": ChannelEvent;
  /** A note in whose room one is was changed over HTTP. */
  "events:note": Note;
  /** Somebody has signed up, has another role or name, or is gone. */
  "events:users": UserEvent;
  /** The document as it is, after a join. */
  "ydoc:document:state": DocumentStateEvent;
  /** Somebody else has edited the document. */
  "ydoc:document:update": DocumentUpdateEvent;
  /** Somebody's cursor has moved. */
  "ydoc:awareness:update": DocumentAwarenessEvent;
  /** Somebody has opened the document. */
  "ydoc:user:joined": DocumentUserEvent;
  /** Somebody has closed it. */
  "ydoc:user:left": DocumentUserEvent;
  /** Of the people that one watches, who has come and who has gone. */
  "users:online": { online: string[]; offline: string[] };
  /** Something that had no ack was refused, or the session has ended. */
  error: ErrorEvent;
  /** Events may have been lost on their way between instances: ask for what you follow. */
  missed: Record<string, never>;
}
/** The name of an event of the server. */
export type ServerEventName = keyof ServerEvents;

/** Who speaks, where the handshake has not said it. */
export interface Auth {
  /** With the token. */
  auth: { token: string };
}

/** The answer to what has nothing to say but that it was taken. */
export interface Taken {
  /** Tells it from a refusal. */
  status: true;
}

/** What a client says, and what it is answered where it waits for an ack. */
export interface ClientEvents {
  /** Begins the session; the connection says it by itself. */
  "user-join": { payload: Auth; answer: { id: string; name: string } };
  /** One is still there; the connection says it by itself. */
  heartbeat: { payload: Record<string, never>; answer: Taken };
  /** A model is in use here; said again every second. */
  usage: { payload: { model: string }; answer: Taken };
  /**
   * Hears from now on who of these people, `MAX_WATCHED_USERS` at most, comes and goes, and of no others
   * any more. The answer says who is there.
   */
  "users:watch": { payload: { user_ids: string[] }; answer: { online: string[] } };
  /** Enters the rooms of all one's channels. */
  "join-channels": { payload: Partial<Auth>; answer: Taken };
  /** Hears of changes of a note, as `events:note`. */
  "join-note": { payload: { note_id: string } & Partial<Auth>; answer: Taken };
  /** One looks at a channel or leaves it, types in it, or has read it. */
  "events:channel": {
    payload: {
      channel_id: string;
      /** The thread. */
      message_id?: string;
      data:
        | { type: "typing"; data?: { typing: boolean } }
        | { type: "join" | "leave" | "last_read_at" };
    };
    answer: Taken;
  };
  /** One looks at a chat or leaves it, or has read it. */
  "events:chat": {
    payload: {
      chat_id: string;
      message_id?: string;
      data: { type: "join" | "leave" | "last_read_at" };
    };
    answer: Taken;
  };
  /** Asks for what one does not have of an answer. */
  "chat:resume": {
    payload: { chat_id: string; message_id?: string; generation?: string; after?: number };
    answer: ResumeAnswer;
  };
  /** `null`: all of the user's chats. */
  "chat:follow": { payload: { chat_ids: string[] | null }; answer: Taken };
  /** Opens a document; what `state_vector` does not have comes as its state. */
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
  /** Asks for what one does not have of an open document. */
  "ydoc:document:state": {
    payload: { document_id: string; state_vector?: WireBytes };
    answer: Taken;
  };
  /** Edits; answered once the edit is kept. */
  "ydoc:document:update": {
    payload: { document_id: string; update?: WireBytes; data?: NoteData };
    answer: Taken;
  };
  /** Closes the document. */
  "ydoc:document:leave": { payload: { document_id: string }; answer: Taken };
  /** Moves one's cursor; nothing of it is kept. */
  "ydoc:awareness:update": {
    payload: { document_id: string; update: WireBytes };
    answer: Taken;
  };
}
/** The name of an event of a client. */
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
