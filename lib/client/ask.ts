import type { PostedMessage } from "../protocol/chat.ts";
import type { CompletionBody } from "../protocol/http_routes.ts";
import type { Api } from "./api.ts";
import { isClientError } from "./errors.ts";
import { newId } from "./new_id.ts";

/** A message as a program writes it. */
export interface SaidMessage {
  /** Whose words they are; `system` is an instruction to the model. */
  role: "user" | "assistant" | "system";
  /** The words, as Markdown. */
  content: string;
}

/** What is asked, and by what names; {@linkcode postQuestion}. */
export interface QuestionOptions {
  chatId: string;
  /**
   * What is asked. One that is in the chat is left as it is there: the answer is a further one. Left
   * out of a temporary chat: the server keeps none, and `messages` are all that was said.
   */
  question?:
    | Pick<PostedMessage, "id" | "role" | "content" | "parentId" | "timestamp"> & {
      files?: unknown;
    }
    | undefined;
  /** The message that the answer fills; the client names it. */
  answerId: string;
  model: string;
  /** Whose browser runs the model, where it is one of the browser's own. */
  sessionId?: string | undefined;
  /** The model is one of the browser's own. */
  isDirect?: boolean | undefined;
  /** The answer was cut at its limit: it goes on where it ends. */
  isContinued?: boolean | undefined;
  /** System prompts. */
  messages?: readonly SaidMessage[] | undefined;
  /** What else the model is told, such as `temperature`. */
  params?: Record<string, unknown> | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Asks for an answer (docs/protocol.md, section 8). Only what is new is sent: the server puts the question
 * into the chat, beside whatever other devices have put there, and knows what was said before it.
 *
 * @throws {ClientError} the server's refusal; `offline` when it can't be told whether it was asked
 */
export async function postQuestion(api: Api, options: QuestionOptions): Promise<void> {
  const { chatId, question, answerId, model, sessionId, isDirect, isContinued } = options;
  const { messages = [], params, signal } = options;
  const { id = "", role = "user", content = "", files, timestamp, parentId = null } = question ??
    {};
  const body: CompletionBody = {
    ...{ model, stream: true, chat_id: chatId, id: answerId },
    ...(question && {
      parent_id: parentId,
      user_message: { id, role, content, parentId, files, timestamp },
    }),
    ...(messages.length > 0 && { messages: messages.map((message) => ({ ...message })) }),
    ...{ params, session_id: sessionId, continue: isContinued || undefined },
    ...(isDirect && { model_item: { id: model, direct: true } }),
  };
  await api("POST /api/chat/completions", { body, signal });
}

/**
 * Ends what is being answered in the chat, on whichever instance. The named messages are ended even
 * if their requests are still on their way.
 */
export async function stopAnswers(
  api: Api,
  chatId: string,
  messageIds: readonly string[] = [],
): Promise<void> {
  try {
    await api("POST /api/tasks/chat/{chat_id}/stop", {
      params: { chat_id: chatId },
      body: { message_ids: messageIds },
    });
  } catch (thrown) {
    // What has ended by itself needs no stop.
    if (!isClientError(thrown, "not_found")) throw thrown;
  }
}

/** Where new words go: a chat, and the message they follow. */
export interface PlaceInChat {
  chatId: string;
  parentId: string | null;
}

/**
 * Finds the end of the chat, or begins one with all that was said before the question.
 *
 * @throws {ClientError} `not_found` for a chat of somebody else
 */
export async function placeInChat(
  api: Api,
  { chatId, before, model, signal }: {
    chatId: string | undefined;
    /** What was said before, for a chat that is begun. */
    before: readonly SaidMessage[];
    model: string;
    signal?: AbortSignal | undefined;
  },
): Promise<PlaceInChat> {
  if (chatId !== undefined) {
    const { chat } = await api("GET /api/v1/chats/{id}", { params: { id: chatId }, signal });
    return { chatId, parentId: chat.history?.currentId ?? null };
  }
  const messages: Record<string, PostedMessage> = {};
  let parentId: string | null = null;
  for (const { role, content } of before) {
    const id = newId();
    const parent: PostedMessage | undefined = parentId === null ? undefined : messages[parentId];
    parent?.childrenIds.push(id);
    const done = role === "assistant" ? { done: true } : {};
    messages[id] = { id, parentId, childrenIds: [], role, content, ...done };
    parentId = id;
  }
  const chat = { models: [model], history: { currentId: parentId, messages } };
  const { id } = await api("POST /api/v1/chats/new", { body: { chat }, signal });
  return { chatId: id, parentId };
}
