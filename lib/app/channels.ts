import * as v from "valibot";
import { type AccessChange, accessChanges } from "../auth/access_changes.ts";
import type { Subscription, Topic } from "../bus/topics.ts";
import { ChannelService } from "../channels/channel_service.ts";
import { Conversation } from "../channels/conversation.ts";
import { deletionSweepJob } from "../channels/deletion_sweep.ts";
import { MessageEvents } from "../channels/message_events.ts";
import { ModelAnswers } from "../channels/model_answers.ts";
import { storedChange } from "../chats/message_changes.ts";
import type { Logger } from "../common/logger.ts";
import type { ChannelEvent } from "../protocol/channel.ts";
import { rooms as roomNames } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import { channelEvents } from "../realtime/channel_events.ts";
import { channelOf, ChannelRooms } from "../realtime/channel_rooms.ts";
import { emitToUser as emitToSessions } from "../realtime/emitter.ts";
import type { RealtimeServer } from "../realtime/session.ts";
import { TypingNotices } from "../realtime/typing_notices.ts";
import { keys } from "../state/key_space.ts";
import type { Services } from "./services.ts";

/** Channels that are joined with one look at the store. */
const ROOMS_AT_ONCE = 200;

const AccessSchema = v.union([
  v.object({ channel_id: v.string() }),
  v.object({ user_ids: v.array(v.string()) }),
]);

type ChannelAccess = v.InferOutput<typeof AccessSchema>;

/** Whose access to channels has changed. */
const channelAccess: Topic<ChannelAccess> = { name: "channel access", schema: AccessSchema };

/** Asks again about those whose access has changed. */
async function follow(rooms: ChannelRooms, change: ChannelAccess): Promise<void> {
  if ("channel_id" in change) return await rooms.channelChanged(change.channel_id);
  for (const userId of change.user_ids) await rooms.userRegrouped(userId);
}

export type Channels = ReturnType<typeof openChannels>;

/** What others are told about a user. */
export function findPublicUser({ users }: Pick<Services, "users">) {
  return async (userId: string): Promise<PublicUser | undefined> => {
    const user = await users.get(userId);
    return user && { id: user.id, name: user.name, role: user.role };
  };
}

/** Ties channels to sockets, models and tasks. */
export function openChannels(
  io: RealtimeServer,
  services: Services,
  logger: Logger,
  stack: AsyncDisposableStack,
) {
  const { store, registry, users, groups, channels, topics, catalogue, tasks } = services;
  const findUser = findPublicUser(services);
  const emit = (event: ChannelEvent) =>
    void io.to(roomNames.channel(event.channel_id)).emit("events:channel", event);
  const emitToUser = (userId: string, event: ChannelEvent) =>
    void io.to(roomNames.user(userId)).emit("events:channel", event);

  const rooms = stack.use(
    new ChannelRooms({
      io,
      logger,
      async *channelsOf(user) {
        let cursor: string | undefined;
        do {
          const at = cursor === undefined ? {} : { cursor };
          const page = await channels.page(user, { limit: ROOMS_AT_ONCE, ...at });
          yield page.channels.map(({ id }) => id);
          cursor = page.cursor;
        } while (cursor !== undefined);
      },
      async mayEnter(userId, channelId) {
        const user = await users.get(userId);
        return user !== undefined && await channels.mayRead(user, channelId);
      },
    }),
  );
  /** Here at once, so that who asked for it sees it done; elsewhere as soon as they hear. */
  const accessChanged = async (change: ChannelAccess) => {
    await Promise.all([follow(rooms, change), topics.publish(channelAccess, change)]);
  };

  const service = new ChannelService({
    channels,
    findUser,
    groupMembers: (groupId, paging) => groups.members(groupId, paging),
    async membershipChanged(channelId, userId, isMember) {
      const type = isMember ? "room_joined" : "room_left";
      await Promise.all([
        rooms.userChanged(userId, channelId),
        topics.publish(accessChanges, {
          type,
          user_id: userId,
          room: roomNames.channel(channelId),
        }),
      ]);
    },
    accessChanged: (channel_id) => accessChanged({ channel_id }),
    stopAnswers: (channelId) =>
      tasks.stopItem(roomNames.channel(channelId), { userId: "", admin: true }),
    emit,
    emitToUser,
  });
  const conversation: Conversation = new Conversation({
    channels,
    findUser,
    emit,
    emitToUser,
    onPosted: (channel, message, user) => answers.answer(channel, message, user),
  });
  const answers = new ModelAnswers({
    conversation,
    logger,
    running: store.dictionary(keys.channelAnswers),
    instanceId: registry.id,
    runTask: (subject, work) => tasks.run(subject, work),
    async findModel(modelId) {
      const model = await catalogue.providerOf(modelId);
      const listed = (await catalogue.models()).find(({ id }) => id === modelId);
      return { name: listed?.name ?? modelId, model };
    },
  });
  const messageEvents = stack.use(
    new MessageEvents({
      conversation,
      storedChange,
      passBy: ({ userId, channelId, messageId }, data) =>
        emitToSessions(io, userId, {
          chat_id: roomNames.channel(channelId),
          message_id: messageId,
          data,
        }),
      logger,
    }),
  );
  const typing = stack.use(new TypingNotices({ io }));
  const events = channelEvents({
    rooms,
    typing,
    markRead: (user, channelId) => conversation.markRead(user, channelId),
  });
  return {
    service,
    conversation,
    rooms,
    messageEvents,
    typing,
    events,
    deletionSweep: deletionSweepJob({
      channels,
      accessChanged: (channel_id) => accessChanged({ channel_id }),
      logger,
    }),
    /** Users have joined a group, or left it. */
    regrouped: (userIds: readonly string[]) => accessChanged({ user_ids: [...userIds] }),
    /** Follows a channel that was joined or left on any instance. */
    moved({ user_id, room }: Extract<AccessChange, { room: string }>): void {
      const channelId = channelOf(room);
      if (channelId !== undefined) void rooms.userChanged(user_id, channelId);
    },
  };
}

/** Follows changes of access to channels that are made on other instances. */
export function watchChannels(
  { topics }: Services,
  { channels: { rooms } }: { channels: Channels },
): Subscription {
  return topics.subscribe(channelAccess, {
    onMessage: (change) => void follow(rooms, change),
    onGap: () => rooms.allChanged(),
  });
}
