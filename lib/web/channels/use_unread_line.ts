import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Post } from "../../client/channel_model.ts";
import type { ChannelDetails } from "../../protocol/http_routes.ts";
import { firstUnread, unreadLine } from "./unread_line.ts";

interface Seen {
  channel: ChannelDetails | undefined;
  posts: readonly Post[] | undefined;
  hasMore: boolean;
  /** Whether the person looks at the channel right now. */
  isInFront(): boolean;
  meId: string;
}

/**
 * The first message that had not been read when one came: the line stands above it until one says
 * something, or goes. What comes while one looks away draws a line, too.
 */
export function useUnreadLine(
  { channel, posts, hasMore, isInFront, meId }: Seen,
): string | undefined {
  /** The position that the line stands behind; `undefined`: there is no line. */
  const [readTo, setReadTo] = useState<number>();
  const [isSettled, setSettled] = useState(false);
  /** The position of the newest that was here at the last look. */
  const newest = useRef(0);
  const last = posts?.at(-1);
  // Before the messages are seen: nothing moves under the reader's eyes.
  useLayoutEffect(() => {
    if (isSettled || !channel || !posts) return;
    setSettled(true);
    newest.current = posts.at(-1)?.position ?? 0;
    const mark = channel.last_read_position ?? 0;
    if (firstUnread(posts, meId, mark)) setReadTo(mark);
  }, [isSettled, channel, posts]);
  useEffect(() => {
    if (!isSettled || !last) return;
    // What is not said yet has its place by this computer's clock.
    if (last.isPending) return setReadTo(undefined);
    const before = newest.current;
    // One that was deleted leaves an older one last.
    if (last.position <= before) return;
    newest.current = last.position;
    if (last.user_id === meId) setReadTo(undefined);
    else if (!isInFront()) setReadTo((now) => now ?? before);
  }, [last?.id]);
  return posts && readTo !== undefined ? unreadLine({ posts, hasMore, meId }, readTo) : undefined;
}
