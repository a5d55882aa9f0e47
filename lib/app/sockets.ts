import { accessChanges } from "../auth/access_changes.ts";
import type { Subscription } from "../bus/topics.ts";
import { followedChats } from "../completions/followed_chats.ts";
import { answerForStreams } from "../completions/remote_streams.ts";
import { completionKey, mergeCompletions } from "../completions/merge_completions.ts";
import { systemClock, unixSeconds } from "../common/clock.ts";
import type { Logger } from "../common/logger.ts";
import type { Config } from "../config.ts";
import { isTemporary } from "../protocol/chat.ts";
import { type ChatEvent, SOCKET_PATH } from "../protocol/events.ts";
import type { SessionUser, User } from "../protocol/user.ts";
import { BrowserStreams } from "../realtime/browser_streams.ts";
import { createEventCaller } from "../realtime/caller.ts";
import { chatEvents } from "../realtime/chat_events.ts";
import { Connections } from "../realtime/connections.ts";
import { Dispatcher } from "../realtime/dispatcher.ts";
import { emitToUser } from "../realtime/emitter.ts";
import { RemoteInstances } from "../realtime/remote_instances.ts";
import { sessionEvents } from "../realtime/session_events.ts";
import type { RealtimeServer } from "../realtime/session.ts";
import { strangerLimits, tcpLimits } from "./connection_limits.ts";
import { createSocketServer, type SocketServerOptions } from "../transport/socket_server.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { openChannels } from "./channels.ts";
import { openDocuments } from "./documents.ts";
import type { Services } from "./services.ts";

export type Sockets = ReturnType<typeof openSockets>;

/** Makes the server that carries Socket.IO and HTTP, and ties the events to the services. */
export function openSockets(
  config: Config,
  services: Services,
  logger: Logger,
  stack: AsyncDisposableStack,
  cluster: Cluster,
  onRequest: SocketServerOptions["onRequest"],
) {
  const { users, activity, tokens, chats, sessions, usage, streams } = services;
  const server = createSocketServer({
    path: SOCKET_PATH,
    transports: config.transports,
    allowedOrigins: config.corsAllowOrigin,
    maxPayloadBytes: config.maxPayloadBytes,
    pingIntervalMs: config.pingIntervalMs,
    pingTimeoutMs: config.pingTimeoutMs,
    handshakeTimeoutMs: config.handshakeTimeoutMs,
    answerTimeoutMs: config.answerTimeoutMs,
    strangers: strangerLimits(config),
    tcp: tcpLimits(config, logger),
    maxConnections: config.maxConnections,
    maxConnectionsPerAddress: config.maxConnectionsPerAddress,
    trustedProxies: config.trustedProxies,
    // Who sends more than this is refused event by event first, and cut only far beyond.
    maxPacketsPerSecond: 4 * config.maxEventsPerSecond,
    maxSendBufferBytes: config.sendBufferLimitBytes,
    adapter: cluster.adapter,
    coalesce: { keyOf: completionKey, merge: mergeCompletions },
    onRequest,
    logger,
  });
  // Closed long before by a stop; a start that fails is what this is for.
  stack.defer(() => server.close({ timeoutMs: 0 }));
  const io = server.io as unknown as RealtimeServer;
  const toUser = (userId: string, event: ChatEvent) => emitToUser(io, userId, event);
  const timeoutMs = config.eventCallerTimeoutMs;
  const remote = new RemoteInstances({
    ...{ io, registry: services.registry, sessions, timeoutMs },
    requests: cluster.instances,
  });
  const call = createEventCaller({
    ...{ io, timeoutMs },
    elsewhere: (request) => remote.call(request),
  });
  const browserStreams = new BrowserStreams({
    instanceId: services.registry.id,
    forward: (instanceId, line) => remote.sendLine(instanceId, line),
  });
  stack.use(remote.serve(browserStreams));
  stack.use(answerForStreams(cluster.instances, streams));

  const { service: documents, events: documentEvents } = openDocuments(
    config,
    io,
    services,
    logger,
    stack,
  );
  const channels = openChannels(io, services, logger, stack);

  const dispatcher: Dispatcher = new Dispatcher({
    eventsPerSecond: config.maxEventsPerSecond,
    isLogged: config.isServerLogged,
    clock: systemClock,
    logger,
    dynamic: (name) => browserStreams.definition(name),
    events: {
      ...sessionEvents({
        async signIn(socket, token) {
          const before = socket.data.session;
          // As a rule the handshake's user joins: their channels are asked for together with the token.
          const entered = before && channels.rooms.enter(socket, before);
          entered?.catch(() => {});
          const session = await connections.signIn(socket, token);
          if (session.user.id === before?.user.id) await entered;
          else await channels.rooms.enter(socket, session);
          return session;
        },
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

  const connections: Connections = stack.use(
    new Connections({
      io,
      dispatcher,
      pool: sessions,
      welcome: (socket) => server.welcome(socket),
      async verify(token) {
        const { user, claims: { jti, exp, iat } } = await tokens.verify(token);
        return { user: toSessionUser(user), jti, exp, iat };
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
  connections.listen();
  /** Events of other instances may be lost to the clients here: they ask for what they miss. */
  const tellMissed = () => void io.local.emit("missed", {});
  return {
    ...{ server, io, dispatcher, connections, browserStreams, call, toUser, tellMissed },
    ...{ documents, channels },
  };
}

/** What a session keeps of its user (protocol, section 2). */
function toSessionUser(user: User): SessionUser {
  const {
    profile_image_url: _image,
    profile_banner_image_url: _banner,
    date_of_birth: _birth,
    bio: _bio,
    gender: _gender,
    ...kept
  } = user;
  return { ...kept, last_seen_at: unixSeconds(systemClock) };
}

/** Ends sessions whose access changes, wherever the change was made. */
export function watchAccess(
  { topics, users, tasks }: Services,
  { connections, channels }: Sockets,
): Subscription {
  return topics.subscribe(accessChanges, {
    onMessage(change) {
      users.forget(change.user_id);
      switch (change.type) {
        case "token_revoked":
          return connections.closeUser(
            change.user_id,
            "You have signed out.",
            ({ token }) => token.jti === change.jti,
          );
        case "user_revoked":
          return connections.closeUser(change.user_id, "Your sessions were ended: sign in again.");
        case "role_changed":
          return connections.closeUser(change.user_id, "Your role has changed: sign in again.");
        case "user_deleted":
          tasks.stopUserHere(change.user_id);
          return connections.closeUser(change.user_id, "This account no longer exists.");
        case "room_left":
        case "room_joined":
          return channels.moved(change);
      }
    },
    onGap() {
      users.forgetAll();
      // It asks until it knows of every session; after another gap all are asked for anew at once.
      void connections.recheck();
    },
  });
}
