import { completionKey, mergeCompletions } from "../completions/merge_completions.ts";
import { type ChatEvent, SOCKET_PATH } from "../protocol/events.ts";
import { BrowserStreams } from "../realtime/browser_streams.ts";
import { createEventCaller } from "../realtime/caller.ts";
import { emitToUser } from "../realtime/emitter.ts";
import { RemoteInstances } from "../realtime/remote_instances.ts";
import type { RealtimeServer } from "../realtime/session.ts";
import { createSocketServer } from "../transport/socket_server.ts";
import { strangerLimits, tcpLimits } from "./connection_limits.ts";
import { Balance } from "./balance.ts";
import type { Foundation } from "./foundation.ts";
import type { Presence } from "./presence.ts";

export type RealtimeSide = ReturnType<typeof openServer>;

/** Counts of the others are as old as a third of a lease; a longest lease gives 5 s. */
const LOOKS_PER_SESSION_TIMEOUT = 24;
const MAX_LOOK_EVERY_MS = 5_000;

/** Makes the server that carries Socket.IO and HTTP, and what reaches sessions on all instances. */
export function openServer(
  { config, logger, stack, cluster, instanceId }: Foundation,
  { registry, sessions }: Pick<Presence, "registry" | "sessions">,
) {
  const server = createSocketServer({
    path: config.basePath + SOCKET_PATH,
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
    maxBytesPerSecond: config.quotaSocketBytesPerSecond,
    maxSendBufferBytes: config.sendBufferLimitBytes,
    adapter: cluster.adapter,
    ...(cluster.recovery && { recoverWithinMs: cluster.recovery.maxAwayMs }),
    coalesce: { keyOf: completionKey, merge: mergeCompletions },
    logger,
  });
  const balance = stack.use(
    new Balance({
      ...{ server, registry, logger },
      perSecond: config.balanceSocketsPerSecond,
      everyMs: Math.min(MAX_LOOK_EVERY_MS, config.sessionTimeoutMs / LOOKS_PER_SESSION_TIMEOUT),
    }),
  );
  // Closed long before by a stop; a start that fails is what this is for.
  stack.defer(() => server.close({ timeoutMs: 0 }));
  // Socket.IO's own type knows no events; those of the protocol are checked by the dispatcher.
  const io = server.io as unknown as RealtimeServer;
  const timeoutMs = config.eventCallerTimeoutMs;
  const remote = new RemoteInstances({
    ...{ io, registry, sessions, timeoutMs },
    requests: cluster.instances,
  });
  const call = createEventCaller({
    ...{ io, timeoutMs },
    elsewhere: (request) => remote.call(request),
  });
  const browserStreams = new BrowserStreams({
    instanceId,
    forward: (owner, line) => remote.sendLine(owner, line),
  });
  stack.use(remote.serve(browserStreams));
  const toUser = (userId: string, event: ChatEvent) => emitToUser(io, userId, event);
  // Events of other instances may be lost to the clients here: they ask for what they miss.
  cluster.onGap(() => void io.local.emit("missed", {}));
  return { server, balance, io, remote, call, browserStreams, toUser };
}
