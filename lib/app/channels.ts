import { ChannelService } from "../channels/channel_service.ts";
import { Conversation } from "../channels/conversation.ts";
import { deletionSweepJob } from "../channels/deletion_sweep.ts";
import { MessageEvents } from "../channels/message_events.ts";
import { type ChannelModel, ModelAnswers } from "../channels/model_answers.ts";
import { storedChange } from "../chats/message_changes.ts";
import { answerParts } from "../completions/answer_parts.ts";
import type { ChannelEvent } from "../protocol/channel.ts";
import { rooms as roomNames } from "../protocol/events.ts";
import { ChannelAccess } from "../realtime/channel_access.ts";
import type { ChannelRooms } from "../realtime/channel_rooms.ts";
import { emitToUser as emitToSessions } from "../realtime/emitter.ts";
import type { RealtimeServer } from "../realtime/session.ts";
import { requireOwnGroups } from "../sharing/own_groups.ts";
import { keys } from "../state/key_space.ts";
import type { Foundation } from "./foundation.ts";
import type { Services } from "./services.ts";

export type Channels = ReturnType<typeof openChannels>;

/** Ties channels to sockets, models and tasks. */
export function openChannels(
  { store, topics, logger, stack, instanceId }: Foundation,
  { users, groups, channels, catalogue, tasks }: Services,
  io: RealtimeServer,
  rooms: ChannelRooms,
) {
  const findUser = (userId: string) => users.findPublic(userId);
  const emit = (event: ChannelEvent) =>
    void io.to(roomNames.channel(event.channel_id)).emit("events:channel", event);
  const emitToUser = (userId: string, event: ChannelEvent) =>
    void io.to(roomNames.user(userId)).emit("events:channel", event);

  const access = new ChannelAccess(rooms, topics);
  const accessChanged = (channel_id: string) => access.changed({ channel_id });

  const service = new ChannelService({
    channels,
    findUser,
    groupMembers: (groupId, paging) => groups.members(groupId, paging),
    requireOwnGroups: (user, groupIds) => requireOwnGroups(user, groupIds, groups),
    membershipChanged: (...change) => access.membershipChanged(...change),
    accessChanged,
    stopAnswers: (channelId) =>
      tasks.stopItem(roomNames.channel(channelId), { userId: "", admin: true }),
    emit,
    emitToUser,
  });
  const conversation = new Conversation({ channels, findUser, emit, emitToUser });
  const answers = new ModelAnswers({
    conversation,
    logger,
    running: store.dictionary(keys.channelAnswers),
    instanceId,
    runTask: (subject, work) => tasks.run(subject, work),
    // Who may has been asked by then.
    stopTask: async (taskId) => (await tasks.stop(taskId, { userId: "", admin: true })).status,
    async findModel(modelId) {
      const model = await catalogue.providerOf(modelId);
      const listed = (await catalogue.models()).find(({ id }) => id === modelId);
      const stream: ChannelModel["stream"] = (...asked) => answerParts(model.stream(...asked));
      return { name: listed?.name ?? modelId, model: { stream } };
    },
  });
  conversation.onPosted((...posted) => answers.answer(...posted));
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
  return {
    service,
    conversation,
    answers,
    rooms,
    messageEvents,
    access,
    deletionSweep: deletionSweepJob({ channels, accessChanged, logger }),
  };
}
