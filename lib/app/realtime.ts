import { systemClock } from "../common/clock.ts";
import type { DocumentServiceOptions } from "../documents/document_service.ts";
import { channelEvents } from "../realtime/channel_events.ts";
import { ChannelRooms } from "../realtime/channel_rooms.ts";
import { ChannelViewers, viewedChannelOf } from "../realtime/channel_viewers.ts";
import { chatEvents } from "../realtime/chat_events.ts";
import { chatOf, ChatRooms, type ChatRoomsOptions } from "../realtime/chat_rooms.ts";
import type { Comebacks } from "../realtime/comebacks.ts";
import { Connections } from "../realtime/connections.ts";
import { Dispatcher, type DispatcherOptions, type EventTable } from "../realtime/dispatcher.ts";
import type { Knowledge } from "../realtime/knowledge.ts";
import { OnlineWatch } from "../realtime/online_watch.ts";
import { sessionEvents } from "../realtime/session_events.ts";
import type { RealtimeSocket, Session } from "../realtime/session.ts";
import { TypingNotices } from "../realtime/typing_notices.ts";
import { openDocuments } from "./documents.ts";
import type { Foundation } from "./foundation.ts";
import type { Presence } from "./presence.ts";
import type { RealtimeSide } from "./server.ts";

export type Rooms = ReturnType<typeof openRooms>;

/** The rooms of chats, channels and notes, and the documents: who may be in them, and who is. */
export function openRooms(
  foundation: Foundation,
  { sessions, chatViewers, channelViewers }: Presence,
  knowledge: Knowledge,
  { io }: Pick<RealtimeSide, "io">,
  more:
    & Pick<DocumentServiceOptions, "accessTtlMs" | "isContentSent">
    & Pick<ChatRoomsOptions, "onGuests" | "onJoined"> = {},
) {
  const { logger, stack } = foundation;
  const { onGuests, onJoined, ...ofDocuments } = more;
  const documents = openDocuments(
    foundation,
    { sessions, notes: knowledge.notes },
    io,
    ofDocuments,
  );
  const viewers = stack.use(new ChannelViewers({ io, viewers: channelViewers, logger }));
  const channels = stack.use(
    new ChannelRooms({
      ...{ io, logger },
      channelsOf: (user) => knowledge.channels.of(user),
      mayEnter: (userId, channelId) => knowledge.channels.mayEnter(userId, channelId),
      onDenied: (userId, channelId) => void viewers.denied(userId, channelId),
    }),
  );
  const chats = stack.use(
    new ChatRooms({
      ...{ io, logger },
      chats: knowledge.chats,
      viewers: chatViewers,
      noteChats: (sid, chatIds) => sessions.noteChats(sid, chatIds),
      ...(onGuests && { onGuests }),
      ...(onJoined && { onJoined }),
    }),
  );
  const typing = stack.use(new TypingNotices({ io }));
  return { documents, channels, viewers, chats, typing };
}

export interface RealtimeOptions {
  /** What comes to the events that every server has. */
  events?: EventTable;
  onSessionGone?(session: Session): void;
  comebacks?: Comebacks;
  dispatching?: Partial<Pick<DispatcherOptions, "dynamic" | "refusals" | "onEvent">>;
}

/** Lets sockets in and serves their events, over whatever knows of people and their things. */
export function openRealtime(
  { config, logger, stack }: Foundation,
  { sessions, usage, online }: Presence,
  knowledge: Knowledge,
  { server, io, remote, toUser }: RealtimeSide,
  rooms: Rooms,
  { events = {}, onSessionGone, comebacks, dispatching }: RealtimeOptions,
) {
  const { documents, channels, viewers, chats, typing } = rooms;
  const watch = stack.use(new OnlineWatch({ io, online, logger }));
  const connections = stack.use(
    new Connections({
      io,
      pool: sessions,
      welcome: (socket) => server.welcome(socket),
      verify: (token) => knowledge.verify(token),
      onSessionGone(session, left) {
        const { sid } = session;
        documents.service.sessionGone(sid);
        typing.sessionGone(sid);
        usage.remove(sid);
        watch.sessionGone(sid);
        void chats.sessionGone(sid, left.flatMap((room) => chatOf(room) ?? []));
        void viewers.sessionGone(sid, left.flatMap((room) => viewedChannelOf(room) ?? []));
        remote.sessionGone(sid);
        onSessionGone?.(session);
      },
      ...(comebacks && { comebacks }),
      isLogged: config.isEngineLogged,
      logger,
      nowMs: () => systemClock.nowMs(),
    }),
  );
  const dispatcher = new Dispatcher({
    eventsPerSecond: config.maxEventsPerSecond,
    isLogged: config.isServerLogged,
    clock: systemClock,
    logger,
    ...dispatching,
    events: {
      ...sessionEvents({
        signIn: (socket, token) => signIn(connections, rooms, socket, token),
        touchSession: (sid) => sessions.touch(sid),
        touchUser: (userId) => knowledge.touchUser(userId),
        useModel: (sid, model) => usage.use(sid, model),
        watchUsers: (socket, userIds) => watch.watch(socket, userIds),
      }),
      ...documents.events,
      ...channelEvents({
        ...{ rooms: channels, viewers, typing },
        markRead: (user, channelId) => knowledge.channels.markRead(user, channelId),
      }),
      ...chatEvents({ rooms: chats, chats: knowledge.chats, emitToUser: toUser }),
      ...events,
    },
  });
  connections.listen(dispatcher);
  return { connections, dispatcher };
}

/** Opens the socket's session and lets it into the rooms of its channels. */
async function signIn(
  connections: Connections,
  { channels }: Pick<Rooms, "channels">,
  socket: RealtimeSocket,
  token: string,
) {
  const before = socket.data.session;
  // As a rule the handshake's user joins: their channels are asked for together with the token.
  const entered = before && channels.enter(socket, before);
  entered?.catch(() => {});
  const session = await connections.signIn(socket, token);
  if (session.user.id === before?.user.id) await entered;
  else await channels.enter(socket, session);
  return session;
}
