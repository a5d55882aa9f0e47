/** Chats and their messages. What is checked on its way in stands in `schemas/chat.ts`. */
import type { AnswerOutcome } from "./answer_outcome.ts";

/** Whether the chat lives in the browser only: `temporary:…`, and `local:…` in older clients. */
export const isTemporary = (chatId: string): boolean => /^(temporary|local):/.test(chatId);

/** Messages of a chat. What is beyond is refused: a chat is read, checked and drawn as a whole. */
export const MAX_MESSAGES = 10_000;

/** A message as a client may post it. What it does not name is kept as it was sent. */
export interface PostedMessage {
  /** The message's id: a UUID that the client makes. */
  id: string;
  /** The message before it; `null`: it is the first. */
  parentId?: string | null | undefined;
  /** The messages after it: more than one are alternatives. */
  childrenIds: string[];
  /** Whose words they are. */
  role: "user" | "assistant" | "system" | "tool";
  /** The text, as Markdown. */
  content: string;
  /** Of an answer: the model's id. */
  model?: string | undefined;
  /** Of an answer: whether it has ended. */
  done?: boolean | undefined;
  /** When it was said, in unix seconds. */
  timestamp?: number | undefined;
  /** What clients keep with a message. */
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
  /** The chat's title. */
  title?: string | undefined;
  /** The models that the chat was begun with. */
  models?: string[] | undefined;
  /** What its models are asked with: `system`, the prompt before all, `temperature`, … */
  params?: Record<string, unknown> | null | undefined;
  /** Its messages. */
  history?: ChatHistory | undefined;
  /** What clients keep with a chat. */
  [field: string]: unknown;
}

/** The messages of a chat, as a tree. */
export interface ChatHistory {
  /** The end of the branch that is shown. */
  currentId?: string | null | undefined;
  /** Left out: those that are there stay as they are. */
  messages?: Record<string, PostedMessage> | undefined;
  /** What the sender had read of the chat: handed out with a history, given back unread. */
  seen?: string | undefined;
  /** What clients keep with a history. */
  [field: string]: unknown;
}

/** A chat as the API answers it. Times are unix seconds. */
export interface Chat {
  /** The chat's id. */
  id: string;
  /** Whose it is. */
  user_id: string;
  /** Its title. */
  title: string;
  /** What it holds. */
  chat: ChatBody;
  /** When it was begun, in unix seconds. */
  created_at: number;
  /** When it was last changed, in unix seconds. */
  updated_at: number;
  /** When its owner last saw it, in unix seconds. */
  last_read_at?: number;
  /** Whether it stands among the pinned ones. Left out: no. */
  pinned?: boolean;
}

/** A chat as lists show it. */
export type ChatSummary =
  & Pick<Chat, "id" | "title" | "updated_at" | "created_at">
  & {
    /** When its owner has last looked, in unix seconds; `null`: it is not known. */
    last_read_at: number | null;
    /** Whether it stands among the pinned ones. */
    pinned: boolean;
    /** Whether an answer has ended since its owner has looked. */
    unread: boolean;
  };

/** A chat of a list that the API answers, with whether it is being answered right now. */
export type ListedChat = ChatSummary & {
  /** Whether it is being answered right now. */
  active: boolean;
  /** Of a search: a piece of what is said there. */
  snippet?: string;
};
