import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { Post } from "../../client/channel_model.ts";
import type { ChannelDetails } from "../../protocol/http_routes.ts";

interface Seen {
  channel: ChannelDetails | undefined;
  posts: readonly Post[] | undefined;
  /** Whether the person looks at the channel right now. */
  isInFront(): boolean;
  meId: string;
}

/**
 * The first message that had not been read when one came: the line stands above it until one says
 * something, or goes. What comes while one looks away draws a line, too.
 */
export function useUnreadLine({ channel, posts, isInFront, meId }: Seen): string | undefined {
  const [line, setLine] = useState<string>();
  const [isSettled, setSettled] = useState(false);
  const last = posts?.at(-1);
  // Before the messages are seen: nothing moves under the reader's eyes.
  useLayoutEffect(() => {
    if (isSettled || !channel || !posts) return;
    setSettled(true);
    setLine(firstUnread(channel, posts)?.id);
  }, [isSettled, channel, posts]);
  useEffect(() => {
    if (!isSettled || !last) return;
    if (last.user_id === meId) setLine(undefined);
    else if (!isInFront()) setLine((now) => now ?? last.id);
  }, [last?.id]);
  return line;
}

function firstUnread(
  { unread_count, last_read_at }: ChannelDetails,
  posts: readonly Post[],
): Post | undefined {
  if (unread_count === 0) return undefined;
  // Counted up to a hundred, and fewer may be loaded.
  return posts.at(-unread_count) ??
    posts.find(({ created_at }) => created_at > (last_read_at ?? 0));
}
