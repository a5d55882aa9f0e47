import type { NoteAccess, NoteContent } from "../documents/note_ports.ts";
import type { ChatSummary } from "../protocol/chat.ts";
import type { PublicUser, SessionUser } from "../protocol/user.ts";

/** A token that counts, and whose it is. */
export interface VerifiedToken {
  user: SessionUser;
  jti: string | undefined;
  /** Unix seconds; `undefined`: never ends. */
  exp: number | undefined;
  /** Unix seconds. */
  iat: number | undefined;
  /** Whether it does still, for the same user in the same role; asked when changes may have been missed. */
  stillCounts(): Promise<boolean>;
}

export interface ChatAccess {
  isOwner: boolean;
  read: boolean;
  write: boolean;
}

/** What a chat's owner is told once they have read it, in the fields of the wire. */
export interface ReadChat {
  /** Unix seconds. */
  last_read_at: number;
  /** Of each folder, when the chat was unread until now. */
  folder_unread_counts?: Record<string, number>;
  /** The chat as lists show it now, and that nothing else has changed. */
  chat?: ChatSummary;
  reason?: "marked";
}

/**
 * What the real-time layer needs to know of people and their things: kept in this server's own store,
 * or in the database of an Open WebUI. Nothing behind this port knows which.
 *
 * Each rejects with `unavailable` when it can't be told now, which is never a "no".
 */
export interface Knowledge {
  /** @throws {AppError} `unauthenticated`, `forbidden` for a token that does not count */
  verify(token: string): Promise<VerifiedToken>;
  /** Notes a sign of life; it is stored at most once a minute. */
  touchUser(userId: string): void;
  readonly channels: {
    /** The ids of the channels that the user may enter, a page at a time. */
    of(user: PublicUser): AsyncIterable<string[]>;
    mayEnter(userId: string, channelId: string): Promise<boolean>;
    /** Stores that the user has read the channel; throws `not_found` for one they may not enter. */
    markRead(user: PublicUser, channelId: string): Promise<void>;
  };
  readonly chats: {
    access(user: PublicUser, chatId: string): Promise<ChatAccess>;
    /** Stores that its owner has read the chat; `undefined`: there is no such chat of theirs. */
    markRead(userId: string, chatId: string): Promise<ReadChat | undefined>;
  };
  readonly notes: NoteAccess & NoteContent;
}
