import type { CompletionEvent } from "../protocol/events.ts";

/**
 * Of the packets of answers (`["events", …]`), takes those of the chats that are followed, and the
 * end of every other: that is what a notification is made of.
 */
export function followedChats(chatIds: readonly string[]): (args: readonly unknown[]) => boolean {
  const followed = new Set(chatIds);
  return (args) => {
    const { chat_id, data } = args[1] as CompletionEvent;
    return data.data.done === true || followed.has(chat_id);
  };
}
