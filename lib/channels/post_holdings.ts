/** What the messages of channels count as among what their authors have. */
import type { StoredMessage } from "../protocol/channel.ts";
import { negative, storedSize, type UserQuotas } from "../quotas/user_quotas.ts";

/** About what its author has put into it. */
export const sizeOf = ({ content, data, meta }: StoredMessage): number =>
  storedSize([content, data, meta]);

export const holdingsOf = (message: StoredMessage) => ({ posts: 1, post_bytes: sizeOf(message) });

/** The messages are gone: their authors may post as much again. */
export async function giveBack(
  quotas: UserQuotas,
  messages: readonly StoredMessage[],
): Promise<void> {
  const byAuthor = Map.groupBy(messages, ({ user_id }) => user_id);
  await Promise.all([...byAuthor].map(([userId, own]) => {
    const post_bytes = own.reduce((sum, message) => sum + sizeOf(message), 0);
    return quotas.count(userId, negative({ posts: own.length, post_bytes }));
  }));
}
