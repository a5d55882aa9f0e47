import type { ChannelMessage } from "../protocol/channel.ts";
import type { PublicUser } from "../protocol/user.ts";

/** A message of a channel; one that is on its way has no id of the server's yet. */
export type Post = ChannelMessage & { isPending?: boolean };

/** A message as it is shown until the server has taken it. */
export function pendingPost(
  { id, content, user, channelId, threadId }: {
    id: string;
    content: string;
    user: PublicUser | null;
    channelId: string;
    threadId: string | undefined;
  },
): Post {
  const position = Date.now();
  const now = Math.floor(position / 1000);
  return {
    ...{
      id,
      channel_id: channelId,
      content,
      user,
      user_id: user?.id ?? "",
      isPending: true,
      position,
    },
    ...{ reply_to_id: null, parent_id: threadId ?? null, reply_to_message: null },
    ...{ is_pinned: false, pinned_at: null, pinned_by: null, data: null, meta: null },
    ...{ created_at: now, updated_at: now, reactions: [], reply_count: 0, latest_reply_at: null },
  };
}
