import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { ChatListData } from "../protocol/chat_events.ts";
import type { ChatEvent } from "../protocol/events.ts";
import type { Services } from "./services.ts";

/** Tells all tabs of a user what their lists of chats show now. */
export function chatNotices(
  { chats }: Pick<Services, "chats">,
  { toUser }: { toUser(userId: string, event: ChatEvent): void },
  logger: Logger,
) {
  /** One after another for each chat, so that what was read first is told first. */
  const last = new Map<string, Promise<void>>();

  async function tell(userId: string, chatId: string, reason: ChatListData["reason"]) {
    const [chat] = reason === "deleted" ? [] : await chats.lists.summaries(userId, [chatId]);
    const data: ChatListData = {
      chat_id: chatId,
      ...(reason && { reason }),
      ...(chat && { chat }),
    };
    toUser(userId, { chat_id: chatId, message_id: "", data: { type: "chat:list", data } });
  }

  return {
    listChanged(userId: string, chatId: string, reason: ChatListData["reason"]): void {
      const told = (last.get(chatId) ?? Promise.resolve())
        .then(() => tell(userId, chatId, reason))
        // Tabs read their lists again when they come back.
        .catch((thrown) =>
          logger.warn("a list of chats is not told of a change", { error: errorText(thrown) })
        )
        .finally(() => {
          if (last.get(chatId) === told) last.delete(chatId);
        });
      last.set(chatId, told);
    },
    titleChanged(userId: string, chatId: string, title: string): void {
      const data = { type: "chat:title", data: title };
      toUser(userId, { chat_id: chatId, message_id: "", data });
    },
  };
}

export type ChatNotices = ReturnType<typeof chatNotices>;
