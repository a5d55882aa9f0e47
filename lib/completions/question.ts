import { AppError } from "../common/errors.ts";
import type { ChatBody, ChatMessage } from "../protocol/chat.ts";
import type { CompletionRequest } from "./model_provider.ts";

/** What is needed of the chats. Each method but `branch` asks whose the chat is. */
export interface QuestionChats {
  create(userId: string, body: ChatBody): Promise<{ id: string }>;
  /** Throws `not_found` for a chat of somebody else. */
  summary(userId: string, chatId: string): Promise<unknown>;
  addMessage(userId: string, chatId: string, message: ChatMessage): Promise<void>;
  /** The messages from the first to this one. */
  branch(chatId: string, messageId: string): Promise<ChatMessage[]>;
}

export interface Asked {
  userId: string;
  /** `undefined`: the question begins a chat. */
  chatId: string | undefined;
  /** What is asked, where the server keeps the conversation; otherwise the request has it all. */
  question: ChatMessage | undefined;
  parentId: string | undefined;
  request: CompletionRequest;
}

/** Where the answer belongs, and what the model is asked. */
export interface Placed {
  chatId: string;
  parentId: string | undefined;
  request: CompletionRequest;
}

/**
 * Puts the question into its chat, which is made when there is none, and reads from there what was
 * said before: Open WebUI's client sends its question and system prompts only.
 *
 * @throws {AppError} `not_found` for a chat of somebody else
 */
export async function placeQuestion(
  chats: QuestionChats,
  { userId, chatId: asked, question, parentId, request }: Asked,
): Promise<Placed> {
  if (!question) {
    if (asked === undefined) throw new AppError("invalid_payload", "chat_id: is missing");
    return { chatId: asked, parentId, request };
  }
  const chatId = asked ?? (await begin(chats, userId, question, request.model)).id;
  if (asked !== undefined) {
    await chats.summary(userId, chatId);
    await chats.addMessage(userId, chatId, question);
  }
  const said = await chats.branch(chatId, question.id);
  const messages = [
    ...request.messages.filter(({ role }) => role === "system"),
    ...said.filter(({ content }) => content !== "").map(({ role, content }) => ({ role, content })),
  ];
  return { chatId, parentId: question.id, request: { ...request, messages } };
}

function begin(chats: QuestionChats, userId: string, question: ChatMessage, model: string) {
  const messages = { [question.id]: question };
  return chats.create(userId, {
    models: [model],
    history: { currentId: question.id, messages },
  });
}
