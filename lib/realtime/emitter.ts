import { type ChatMessage, isTemporary } from "../protocol/chat.ts";
import { type ChatEvent, type EmitterData, rooms } from "../protocol/events.ts";
import type { UserEvent } from "../protocol/user.ts";
import { storedChange } from "../chats/message_changes.ts";
import type { RealtimeServer } from "./session.ts";

/** Whom and what an emitter speaks of. */
export interface EmitterTarget {
  userId: string;
  chatId: string;
  messageId: string;
}

/** Sends one event to the user's sessions and stores what it changes; resolves once it is stored. */
export type EventEmitter = (event: EmitterData) => Promise<void>;

export interface MessageStore {
  changeMessage(
    chatId: string,
    messageId: string,
    change: (message: ChatMessage | undefined) => ChatMessage | undefined,
  ): Promise<unknown>;
}

/** Chats that live in the browser only, or belong to a channel: nothing of them is stored as a chat. */
const isStored = (chatId: string) => !isTemporary(chatId) && !chatId.startsWith("channel:");

/** Sends `events` to all sessions of a user. */
export function emitToUser(io: RealtimeServer, userId: string, event: ChatEvent): void {
  io.to(rooms.user(userId)).emit("events", event);
}

/** A picture that is longer stands in lists only, in characters. */
const MAX_TOLD_PICTURE = 8_000;

/** Tells all admins, and the one concerned, how somebody is now. */
export function emitUser(io: RealtimeServer, { type, user }: UserEvent): void {
  const isLong = user.profile_image_url.length > MAX_TOLD_PICTURE;
  const told = isLong ? { ...user, profile_image_url: "" } : user;
  io.to([rooms.admins, rooms.user(user.id)]).emit("events:users", { type, user: told });
}

/**
 * Makes the event emitter of one (user, chat, message): docs/protocol.md, section 6.
 *
 * Each stored event is one atomic change of the message, so that emitters that speak at once lose
 * nothing. A message that is gone stays gone. The caller has checked that the chat is the user's.
 */
export function createEventEmitter(
  io: RealtimeServer,
  messages: MessageStore,
  { userId, chatId, messageId }: EmitterTarget,
): EventEmitter {
  return async (event) => {
    emitToUser(io, userId, { chat_id: chatId, message_id: messageId, data: event });
    const change = isStored(chatId) ? storedChange(event) : undefined;
    if (!change) return;
    await messages.changeMessage(chatId, messageId, (message) => message && change(message));
  };
}
