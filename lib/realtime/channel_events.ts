import { AppError } from "../common/errors.ts";
import { rooms } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import { ChannelEventSchema, JoinChannelsSchema } from "./channel_payloads.ts";
import type { ChannelRooms } from "./channel_rooms.ts";
import type { ChannelViewers } from "./channel_viewers.ts";
import { event, type EventTable } from "./dispatcher.ts";
import type { TypingNotices } from "./typing_notices.ts";

export interface ChannelEventsOptions {
  rooms: Pick<ChannelRooms, "enter">;
  viewers: Pick<ChannelViewers, "join" | "leave">;
  typing: TypingNotices;
  /** Stores that the user has read the channel; throws `not_found` for one they may not enter. */
  markRead(user: PublicUser, channelId: string): Promise<void>;
}

/** `join-channels` and `events:channel` (docs/protocol.md, section 4). */
export function channelEvents(options: ChannelEventsOptions) {
  const { rooms: channelRooms, viewers, typing, markRead } = options;
  const table: EventTable = {
    "join-channels": event({
      schema: JoinChannelsSchema,
      handle: ({ socket, session }) => channelRooms.enter(socket, session),
    }),
    "events:channel": event({
      schema: ChannelEventSchema,
      handle({ socket, session }, { channel_id, message_id, data }) {
        if (!socket.rooms.has(rooms.channel(channel_id))) {
          throw new AppError("forbidden", "Join the channel first.");
        }
        const { id, name, role } = session.user;
        const user = { id, name, role };
        switch (data.type) {
          case "join":
            return viewers.join(socket, session, channel_id).then(() => undefined);
          case "leave":
            return viewers.leave(socket, channel_id);
          case "typing": {
            const place = { channelId: channel_id, messageId: message_id ?? null };
            return typing.noted(socket, user, place, data.data?.typing !== false);
          }
          case "last_read_at":
            return markRead(user, channel_id);
          default:
            throw new AppError("invalid_payload", `data.type: there is no event ${data.type}`);
        }
      },
    }),
  };
  return table;
}
