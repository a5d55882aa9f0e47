import { followedChats } from "../completions/followed_chats.ts";
import { systemClock, unixSeconds } from "../common/clock.ts";
import { isTemporary } from "../protocol/chat.ts";
import { chatEvents } from "../realtime/chat_events.ts";
import { Connections } from "../realtime/connections.ts";
import { Dispatcher } from "../realtime/dispatcher.ts";
import { followSessionAccess } from "../realtime/session_access.ts";
import { sessionEvents } from "../realtime/session_events.ts";
import { type RealtimeSocket, sessionUserOf } from "../realtime/session.ts";
import { type Channels, openChannels } from "./channels.ts";
import { openDocuments } from "./documents.ts";
import type { Foundation } from "./foundation.ts";
import { openServer } from "./server.ts";
import type { Services } from "./services.ts";

export type Sockets = ReturnType<typeof openSockets>;

/** Makes the server and ties the events of its sockets to the services. */
export function openSockets(foundation: Foundation, services: Services) {
  const { config, logger, stack } = foundation;
  const { users, activity, tokens, chats, sessions, usage, streams } = services;
  const realtime = openServer(foundation, services);
  const { server, io, remote, browserStreams, toUser } = realtime;
  const { service: documents, events: documentEvents } = openDocuments(foundation, services, io);
  const channels = openChannels(foundation, services, io);

  const connections = stack.use(
    new Connections({
      io,
      pool: sessions,
      welcome: (socket) => server.welcome(socket),
      async verify(token) {
        const { user, claims: { jti, exp, iat } } = await tokens.verify(token);
        return { user: sessionUserOf(user, unixSeconds(systemClock)), jti, exp, iat };
      },
      async stillCounts({ user, token }) {
        if (!await tokens.stillCounts({ id: user.id, ...token })) return false;
        return (await users.get(user.id))?.role === user.role;
      },
      onSessionGone({ sid }) {
        documents.sessionGone(sid);
        channels.typing.sessionGone(sid);
        usage.remove(sid);
        browserStreams.sessionGone(sid);
        remote.sessionGone(sid);
      },
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
    dynamic: (name) => browserStreams.definition(name),
    events: {
      ...sessionEvents({
        signIn: (socket, token) => signIn(connections, channels, socket, token),
        touchSession: (sid) => sessions.touch(sid),
        touchUser: (userId) => activity.touch(userId),
        useModel: (sid, model) => usage.use(sid, model),
      }),
      ...documentEvents,
      ...channels.events,
      ...chatEvents({
        markRead: (userId, chatId) => chats.markRead(userId, chatId),
        emitToUser: toUser,
        async resume({ userId, chatId, ...query }) {
          if (!isTemporary(chatId)) await chats.summary(userId, chatId);
          return await streams.resume({ userId, chatId, ...query });
        },
        follow: (socket, chatIds) => server.limitStreams(socket, chatIds && followedChats(chatIds)),
      }),
    },
  });
  connections.listen(dispatcher);
  return { ...realtime, dispatcher, connections, documents, channels };
}

/** Opens the socket's session and lets it into the rooms of its channels. */
async function signIn(
  connections: Connections,
  { rooms }: Channels,
  socket: RealtimeSocket,
  token: string,
) {
  const before = socket.data.session;
  // As a rule the handshake's user joins: their channels are asked for together with the token.
  const entered = before && rooms.enter(socket, before);
  entered?.catch(() => {});
  const session = await connections.signIn(socket, token);
  if (session.user.id === before?.user.id) await entered;
  else await rooms.enter(socket, session);
  return session;
}

/** Listens to what other instances tell of access; resolves when this one hears them. */
export async function followAccess(
  { topics, stack }: Foundation,
  { users, tasks }: Services,
  { connections, channels: { access }, documents }: Sockets,
): Promise<void> {
  const sessionAccess = followSessionAccess({
    topics,
    connections,
    forgetUser: (userId) => userId === undefined ? users.forgetAll() : users.forget(userId),
    stopUser: (userId) => tasks.stopUserHere(userId),
    moved: (change) => access.moved(change),
  });
  await Promise.all([
    stack.use(sessionAccess).whenLive(),
    stack.use(access.listen()).whenLive(),
    documents.start(),
  ]);
}
