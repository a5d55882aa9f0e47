import * as v from "valibot";
import { type AccessChange, accessChanges } from "../auth/access_changes.ts";
import type { Subscription, Topic, Topics } from "../bus/topics.ts";
import { rooms as roomNames } from "../protocol/events.ts";
import { channelOf, type ChannelRooms } from "./channel_rooms.ts";

const ChangeSchema = v.union([
  v.object({ channel_id: v.string() }),
  v.object({ user_ids: v.array(v.string()) }),
]);

/** A channel's readers have changed, or users have joined or left a group. */
export type ChannelAccessChange = v.InferOutput<typeof ChangeSchema>;

const channelAccess: Topic<ChannelAccessChange> = { name: "channel access", schema: ChangeSchema };

/**
 * Changes of who may enter which channel: followed here at once, so that who asked for one sees it
 * done, and by the other instances as soon as they hear.
 */
export class ChannelAccess {
  readonly #rooms: ChannelRooms;
  readonly #topics: Topics;

  constructor(rooms: ChannelRooms, topics: Topics) {
    this.#rooms = rooms;
    this.#topics = topics;
  }

  async changed(change: ChannelAccessChange): Promise<void> {
    await Promise.all([this.#follow(change), this.#topics.publish(channelAccess, change)]);
  }

  /** Somebody became a member of the channel, or is none any more. */
  async membershipChanged(channelId: string, userId: string, isMember: boolean): Promise<void> {
    const type = isMember ? "room_joined" : "room_left";
    const room = roomNames.channel(channelId);
    await Promise.all([
      this.#rooms.userChanged(userId, channelId),
      this.#topics.publish(accessChanges, { type, user_id: userId, room }),
    ]);
  }

  /** Follows a channel that was joined or left on any instance. */
  moved({ user_id, room }: Extract<AccessChange, { room: string }>): void {
    const channelId = channelOf(room);
    if (channelId !== undefined) void this.#rooms.userChanged(user_id, channelId);
  }

  /** Follows the changes that are made on other instances. */
  listen(): Subscription {
    return this.#topics.subscribe(channelAccess, {
      onMessage: (change) => void this.#follow(change),
      onGap: () => this.#rooms.allChanged(),
    });
  }

  async #follow(change: ChannelAccessChange): Promise<void> {
    if ("channel_id" in change) return await this.#rooms.channelChanged(change.channel_id);
    for (const userId of change.user_ids) await this.#rooms.userRegrouped(userId);
  }
}
