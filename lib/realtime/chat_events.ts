import type { ChatEvent, ResumeAnswer } from "../protocol/events.ts";
import { AppError } from "../common/errors.ts";
import { event, type EventTable } from "./dispatcher.ts";
import { ChatEventSchema, ChatFollowSchema, ChatResumeSchema } from "./payloads.ts";
import type { RealtimeSocket } from "./session.ts";

/** Which part of which answer a client asks for. */
export interface ResumeRequest {
  userId: string;
  chatId: string;
  messageId: string | undefined;
  after: number | undefined;
  generation: string | undefined;
}

export interface ChatEventsOptions {
  /** Stores when the user last read the chat; throws `not_found` for a chat of somebody else. */
  markRead(userId: string, chatId: string): Promise<void>;
  emitToUser(userId: string, event: ChatEvent): void;
  /** Throws `not_found` for a chat of somebody else. */
  resume(request: ResumeRequest): Promise<ResumeAnswer>;
  /** Limits the text that the socket hears to these chats' answers; `undefined`: it hears all. */
  follow(socket: RealtimeSocket, chatIds: readonly string[] | undefined): void;
}

/**
 * `events:chat` and `chat:resume` (docs/protocol.md, sections 4 and 7), and `chat:follow` of our own: which
 * chats' answers the session wants to hear word by word.
 */
export function chatEvents(options: ChatEventsOptions): EventTable {
  return {
    "events:chat": event({
      schema: ChatEventSchema,
      async handle({ session }, { chat_id, message_id, data }) {
        if (data.type !== "last_read_at") {
          throw new AppError("invalid_payload", `data.type: there is no event ${data.type}`);
        }
        await options.markRead(session.user.id, chat_id);
        options.emitToUser(session.user.id, {
          chat_id,
          message_id: message_id ?? "",
          data: { type: "chat:list" },
        });
      },
    }),
    "chat:resume": event({
      schema: ChatResumeSchema,
      handle: ({ session }, { chat_id, message_id, after, generation }) =>
        options.resume({
          userId: session.user.id,
          chatId: chat_id,
          messageId: message_id ?? undefined,
          after: after ?? undefined,
          generation: generation ?? undefined,
        }),
    }),
    "chat:follow": event({
      schema: ChatFollowSchema,
      handle: ({ socket }, { chat_ids }) => options.follow(socket, chat_ids ?? undefined),
    }),
  };
}
