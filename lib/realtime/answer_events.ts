import type { ResumeAnswer } from "../protocol/events.ts";
import { event, type EventTable } from "./dispatcher.ts";
import { ChatFollowSchema, ChatResumeSchema } from "./payloads.ts";
import type { RealtimeSocket } from "./session.ts";

/** Which part of which answer a client asks for. */
export interface ResumeRequest {
  userId: string;
  chatId: string;
  messageId: string | undefined;
  after: number | undefined;
  generation: string | undefined;
}

export interface AnswerEventsOptions {
  /** Throws `not_found` for a chat of somebody else. */
  resume(request: ResumeRequest): Promise<ResumeAnswer>;
  /** Limits the text that the socket hears to these chats' answers; `undefined`: it hears all. */
  follow(socket: RealtimeSocket, chatIds: readonly string[] | undefined): void;
}

/**
 * `chat:resume` (docs/protocol.md, section 7), and `chat:follow` of our own: which chats' answers the session
 * wants to hear word by word. For answers that this server makes itself.
 */
export function answerEvents({ resume, follow }: AnswerEventsOptions): EventTable {
  return {
    "chat:resume": event({
      schema: ChatResumeSchema,
      handle: ({ session }, { chat_id, message_id, after, generation }) =>
        resume({
          userId: session.user.id,
          chatId: chat_id,
          messageId: message_id ?? undefined,
          after: after ?? undefined,
          generation: generation ?? undefined,
        }),
    }),
    "chat:follow": event({
      schema: ChatFollowSchema,
      handle: ({ socket }, { chat_ids }) => follow(socket, chat_ids ?? undefined),
    }),
  };
}
