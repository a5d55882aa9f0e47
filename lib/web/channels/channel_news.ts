import type { ChannelMessage } from "../../protocol/channel.ts";
import type { ListedChannel } from "../../protocol/http_routes.ts";
import { announce } from "../chats/chat_hooks.ts";
import { addressOf, addressOfThread } from "../route.ts";
import { inShort, mentionsPerson } from "./channel_mentions.ts";
import { isMuted } from "./channel_mutes.ts";
import { authorOf, titleOf } from "./channel_names.ts";

interface Said {
  channel: ListedChannel | undefined;
  message: ChannelMessage;
}

/**
 * Tells of a message in a channel that the person does not look at: one notice a channel, however
 * much is said. Of a muted channel only what mentions them; of models nothing, who are seen by those
 * that asked.
 */
export function tellOfMessage({ channel, message }: Said, meId: string): void {
  const { channel_id, content, parent_id, meta } = message;
  if (typeof meta?.model_id === "string") return;
  if (isMuted(channel_id) && !mentionsPerson(content, meId)) return;
  const name = channel ? titleOf(channel, meId) : "a channel";
  const last = `${authorOf(message).name} in ${name}: ${inShort(content, 80)}`;
  announce((count) => count > 1 ? `${count} new in ${name}. ${last}` : last, {
    href: parent_id === null
      ? addressOf("channel", channel_id)
      : addressOfThread(channel_id, parent_id),
    key: `channel:${channel_id}`,
  });
}
