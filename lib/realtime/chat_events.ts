import { AppError } from "../common/errors.ts";
import type { ChatEvent } from "../protocol/events.ts";
import type { ChatRooms } from "./chat_rooms.ts";
import { event, type EventTable } from "./dispatcher.ts";
import type { Knowledge } from "./knowledge.ts";
import { ChatEventSchema } from "./payloads.ts";

export interface ChatEventsOptions {
  rooms: Pick<ChatRooms, "join" | "leave" | "typing">;
  chats: Pick<Knowledge["chats"], "markRead">;
  emitToUser(userId: string, event: ChatEvent): void;
}

/** `events:chat` (docs/protocol.md, section 4): who looks at a chat, who types there, who has read it. */
export function chatEvents({ rooms, chats, emitToUser }: ChatEventsOptions): EventTable {
  return {
    "events:chat": event({
      schema: ChatEventSchema,
      async handle({ socket, session }, { chat_id, data }) {
        switch (data.type) {
          case "join":
            return await rooms.join(socket, session, chat_id);
          case "leave":
            return await rooms.leave(socket, chat_id);
          case "typing": {
            const typing = data.data?.typing;
            return typing !== undefined && await rooms.typing(socket, session, chat_id, typing);
          }
          case "last_read_at": {
            const read = await chats.markRead(session.user.id, chat_id);
            if (!read) throw new AppError("not_found", "There is no such chat.");
            const told = { chat_id, ...read };
            return emitToUser(session.user.id, {
              chat_id,
              message_id: "",
              data: { type: "chat:list", data: told },
            });
          }
          default:
            throw new AppError("invalid_payload", `data.type: there is no event ${data.type}`);
        }
      },
    }),
  };
}
