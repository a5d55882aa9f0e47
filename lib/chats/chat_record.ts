/** A chat as a record of the store, and as clients see it. */
import { AppError } from "../common/errors.ts";
import type { Chat, ChatBody, ChatMessage, ChatSummary } from "../protocol/chat.ts";
import type { Merged } from "./chat_messages.ts";
import { seenToken } from "./knowledge.ts";
import { asTree, type Messages } from "./message_tree.ts";

/** A chat as it is stored: its messages are entries of a dictionary of their own. */
export interface ChatRecord extends Chat {
  /** Rises when a message comes, is edited by a client, or goes. Left out: 0. */
  version?: number;
  /** How many messages there are, but for what was cut short. */
  size?: number;
  /** About what the chat and its messages take in the store. */
  bytes?: number;
  /** Messages that were deleted of late: an older copy does not bring them back. */
  deleted?: string[];
  /** Whether an answer has ended since its owner has looked. */
  unread?: boolean;
  /** When it was deleted (unix seconds): it can still be brought back, and is nobody's until then. */
  deleted_at?: number;
}

/** Deleted messages that are remembered. */
const MAX_DELETED = 1_000;
/** What the chat counts as among its owner's things. */
export const holdingsOf = ({ size = 0, bytes = 0 }: ChatRecord) => ({
  chats: 1,
  messages: size,
  chat_bytes: bytes,
});

/** The record after its messages have changed. */
export function counted(chat: ChatRecord, merged: Merged): ChatRecord {
  const { added, edited, deleted } = merged;
  if (added.length + edited.length + deleted.length === 0) return chat;
  const { version = 0, deleted: before = [] } = chat;
  const { size = (chat.size ?? 0) + added.length } = merged;
  const isBack = new Set(added);
  return {
    ...chat,
    version: version + 1,
    size,
    deleted: [...before.filter((id) => !isBack.has(id)), ...deleted].slice(-MAX_DELETED),
  };
}

/** The record's part of a body, and its messages. */
export function split(body: ChatBody): { record: ChatBody; messages: Messages } {
  if (!body.history) return { record: body, messages: {} };
  const { seen: _, messages = {}, ...history } = body.history;
  return { record: { ...body, history: { ...history, messages: {} } }, messages };
}

/** The chat as lists show it. */
export function summaryOf(
  { id, title, updated_at, created_at, last_read_at, pinned, unread }: ChatRecord,
): ChatSummary {
  return {
    ...{ id, title, updated_at, created_at },
    last_read_at: last_read_at ?? null,
    pinned: pinned === true,
    unread: unread === true,
  };
}

export function join(record: ChatRecord, inOrder: ChatMessage[]): Chat {
  const { version = 0, size: _, bytes: _bytes, deleted: _deleted, unread: _unread, ...shown } =
    record;
  const { history } = record.chat;
  const seen = seenToken(record.id, version);
  const tree = asTree(inOrder, history?.currentId ?? null);
  return {
    ...shown,
    chat: { ...shown.chat, title: record.title, history: { ...history, ...tree, seen } },
  };
}

export function noSuchChat(): AppError {
  return new AppError("not_found", "There is no such chat.");
}
