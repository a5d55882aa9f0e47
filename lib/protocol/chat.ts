/** Chats and their messages. What is checked on its way in stands in `schemas/chat.ts`. */
import type { AnswerOutcome } from "./answer_outcome.ts";

/** Whether the chat lives in the browser only: `temporary:…`, and `local:…` in older clients. */
export const isTemporary = (chatId: string): boolean => /^(temporary|local):/.test(chatId);

/** Messages of a chat. What is beyond is refused: a chat is read, checked and drawn as a whole. */
export const MAX_MESSAGES = 10_000;

/** A message as a client may post it. What it does not name is kept as it was sent. */
export interface PostedMessage {
  id: string;
  parentId?: string | null | undefined;
  childrenIds: string[];
  role: "user" | "assistant" | "system" | "tool";
  content: string;
  model?: string | undefined;
  done?: boolean | undefined;
  timestamp?: number | undefined;
  [field: string]: unknown;
}

/** A message of a chat's history. */
export type ChatMessage =
  & PostedMessage
  & Omit<AnswerOutcome, "error">
  & {
    /** Set by the server: the generation that wrote the content. */
    generation?: string;
    /** Why there is no (whole) answer; `content` is shown to the user. */
    error?: { code: string; content: string };
    statusHistory?: unknown[];
    sources?: unknown[];
    /** What the user attached, or the pictures that a model returned. */
    files?: unknown[];
    embeds?: unknown[];
    reasoning_content?: string;
  };

/** What a chat holds. */
export interface ChatBody {
  title?: string | undefined;
  models?: string[] | undefined;
  history?: ChatHistory | undefined;
  [field: string]: unknown;
}

/** The messages of a chat, as a tree. */
export interface ChatHistory {
  currentId?: string | null | undefined;
  /** Left out: those that are there stay as they are. */
  messages?: Record<string, PostedMessage> | undefined;
  /** What the sender had read of the chat: handed out with a history, given back unread. */
  seen?: string | undefined;
  [field: string]: unknown;
}

/** A chat as the API answers it. Times are unix seconds. */
export interface Chat {
  id: string;
  user_id: string;
  title: string;
  chat: ChatBody;
  created_at: number;
  updated_at: number;
  last_read_at?: number;
}

/** A chat as lists show it. */
export type ChatSummary =
  & Pick<Chat, "id" | "title" | "updated_at" | "created_at">
  & { last_read_at: number | null };
