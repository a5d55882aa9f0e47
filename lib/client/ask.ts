import type { ChatMessage } from "../protocol/chat.ts";
import type { Api } from "./api.ts";
import { ClientError } from "./errors.ts";

export interface AskOptions {
  chatId: string;
  /** What is asked. One that is in the chat is left as it is there: the answer is a further one. */
  question: Pick<ChatMessage, "id" | "role" | "content" | "parentId" | "files" | "timestamp">;
  /** The message that the answer fills; the client names it. */
  answerId: string;
  model: string;
  /** Whose browser runs the model, where it is one of the browser's own. */
  sessionId?: string | undefined;
  isDirect?: boolean | undefined;
  /** The answer was cut at its limit: it goes on where it ends. */
  isContinued?: boolean;
}

/**
 * Asks for an answer (docs/protocol.md, section 8). Only what is new is sent: the server puts the question
 * into the chat, beside whatever other devices have put there, and knows what was said before it.
 *
 * @throws {ClientError} the server's refusal; `offline` when it can't be told whether it was asked
 */
export async function ask(api: Api, options: AskOptions): Promise<void> {
  const { chatId, question, answerId, model, sessionId, isDirect, isContinued } = options;
  const { id, role, content, files, timestamp, parentId = null } = question;
  await api("POST", "/api/chat/completions", {
    ...{ model, stream: true, chat_id: chatId, id: answerId, parent_id: parentId },
    user_message: {
      ...{ id, role, content, parentId },
      ...(files && { files }),
      ...(timestamp !== undefined && { timestamp }),
    },
    ...(sessionId !== undefined && { session_id: sessionId }),
    ...(isDirect && { model_item: { id: model, direct: true } }),
    ...(isContinued && { continue: true }),
  });
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
    await api("POST", `/api/tasks/chat/${chatId}/stop`, { message_ids: messageIds });
  } catch (thrown) {
    // What has ended by itself needs no stop.
    if (!(thrown instanceof ClientError && thrown.code === "not_found")) throw thrown;
  }
}
