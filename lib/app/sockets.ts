import { followedChats } from "../completions/followed_chats.ts";
import { isTemporary } from "../protocol/chat.ts";
import { answerEvents } from "../realtime/answer_events.ts";
import { EventTape } from "../realtime/event_tape.ts";
import { followSessionAccess } from "../realtime/session_access.ts";
import { openChannels } from "./channels.ts";
import type { Foundation } from "./foundation.ts";
import { ownKnowledge } from "./own_data.ts";
import { openRealtime, openRooms } from "./realtime.ts";
import { openServer } from "./server.ts";
import type { Services } from "./services.ts";

export type Sockets = ReturnType<typeof openSockets>;

/** Makes the server and ties the events of its sockets to the services. */
export function openSockets(foundation: Foundation, services: Services) {
  const { chats, streams } = services;
  const side = openServer(foundation, services);
  const knowledge = ownKnowledge(services, {
    markChannelRead: (user, channelId) => channels.conversation.markRead(user, channelId),
  });
  const rooms = openRooms(foundation, services, knowledge, side);
  const channels = openChannels(foundation, services, side.io, rooms.channels);
  const { server, browserStreams } = side;
  const tape = new EventTape();
  const realtime = openRealtime(foundation, services, knowledge, side, rooms, {
    onSessionGone: ({ sid }) => browserStreams.sessionGone(sid),
    dispatching: {
      dynamic: (name) => browserStreams.definition(name),
      onEvent: (name, { user }) => tape.note(name, user.name),
    },
    events: answerEvents({
      async resume({ userId, chatId, ...query }) {
        if (!isTemporary(chatId)) await chats.summary(userId, chatId);
        return await streams.resume({ userId, chatId, ...query });
      },
      follow: (socket, chatIds) => server.limitStreams(socket, chatIds && followedChats(chatIds)),
    }),
  });
  return { ...side, ...realtime, tape, documents: rooms.documents.service, channels };
}

/** Listens to what other instances tell of access; resolves when this one hears them. */
export async function followAccess(
  { topics, stack }: Foundation,
  { users, tasks, readers }: Services,
  { connections, channels: { access }, documents }: Sockets,
): Promise<void> {
  const sessionAccess = followSessionAccess({
    topics,
    connections,
    forgetUser(userId) {
      readers.doubt(userId);
      if (userId === undefined) users.forgetAll();
      else users.forget(userId);
    },
    stopUser: (userId) => tasks.stopUserHere(userId),
    moved: (change) => access.moved(change),
  });
  await Promise.all([
    stack.use(sessionAccess).whenLive(),
    stack.use(access.listen()).whenLive(),
    documents.start(),
  ]);
}
