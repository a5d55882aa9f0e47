import type { Post } from "../../client/channel_model.ts";

interface Shown {
  /** What is loaded, the oldest first. */
  posts: readonly Post[];
  /** Whether there are older ones. */
  hasMore: boolean;
  meId: string;
}

/**
 * The message that the line stands above: the first of others behind the position up to which one
 * has read. By the messages' own positions, because a count is of another moment than they are. None,
 * as long as it may be one that is not loaded.
 */
export function unreadLine({ posts, hasMore, meId }: Shown, readTo: number): string | undefined {
  const first = firstUnread(posts, meId, readTo);
  return hasMore && first === posts[0] ? undefined : first?.id;
}

/** The first of these messages that is new to somebody who has read up to the position. */
export function firstUnread(posts: readonly Post[], meId: string, readTo: number) {
  return posts.find(({ position, user_id }) => user_id !== meId && position > readTo);
}
