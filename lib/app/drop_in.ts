import { Bridge } from "../bridge/bridge.ts";
import { WantedRooms } from "../bridge/wanted_rooms.ts";
import { deadline } from "../common/deadline.ts";
import type { Logger } from "../common/logger.ts";
import type { Config } from "../config.ts";
import { underBasePath } from "../http/base_path.ts";
import { createHttpApp, nodeListener } from "../http/http_app.ts";
import { operations } from "../http/operations.ts";
import { rooms as roomNames } from "../protocol/events.ts";
import { AccessSweep } from "../realtime/access_sweep.ts";
import { Comebacks } from "../realtime/comebacks.ts";
import type { Knowledge } from "../realtime/knowledge.ts";
import { chatOf } from "../realtime/chat_rooms.ts";
import { openWebUiEvents } from "../realtime/open_webui_events.ts";
import { Reloads } from "../realtime/reloads.ts";
import type { Sweeper } from "../sessions/sweeper.ts";
import { checkReading } from "./check_reading.ts";
import { Draining } from "./draining.ts";
import { type Foundation, layFoundation, openRevocations } from "./foundation.ts";
import { createMetrics, readinessChecks, readinessLog } from "./observability.ts";
import { openOpenWebUi, type OpenWebUi } from "./open_webui_data.ts";
import { openPresence, type Presence } from "./presence.ts";
import { followPython } from "./python_orders.ts";
import { openRealtime, openRooms, type Rooms } from "./realtime.ts";
import { run, type Running, startWhole } from "./running.ts";
import { openServer, type RealtimeSide } from "./server.ts";
import { openSweeper } from "./sweeper.ts";

/** What may be believed of a member's right to write, where Python announces no change. */
const WRITE_ACCESS_TTL_MS = 2_000;
const DATABASE_TIMEOUT_MS = 1_500;
const CLUSTER_READY_MS = 2_000;

/** The real-time layer of an Open WebUI that runs. */
export interface DropIn extends Running {
  /** Queries of Open WebUI's database since the start. */
  queries(): number;
  /** How many sessions are away, and may come back. */
  away(): number;
  readonly presence: Presence;
  readonly bridge: Bridge;
  readonly sockets: RealtimeSide & ReturnType<typeof openRealtime> & { rooms: Rooms };
}

/**
 * Starts as the real-time layer of an Open WebUI: sockets on its Redis, over its database. Sign-in,
 * API, pages and models are Open WebUI's own, and off here.
 *
 * @throws {AppError} `unavailable` when Redis or the database can't be reached, or the database is of
 * no supported version
 */
export function startDropIn(config: Config, logger: Logger): Promise<DropIn> {
  return startWhole((stack) => assemble(config, logger, stack));
}

async function assemble(
  config: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<DropIn> {
  const { foundation, bridge, copies, onGap } = await layBridged(config, logger, stack);
  const openWebUi = await openOpenWebUi(foundation, await openRevocations(foundation));
  await checkReading(foundation, openWebUi);
  const { knowledge } = openWebUi;

  const presence = openPresence(foundation, { isPrompt: true, isCounted: false });
  const side = openServer(foundation, presence);
  const rooms = openRooms(foundation, presence, knowledge, side, {
    accessTtlMs: WRITE_ACCESS_TTL_MS,
    isContentSent: true,
    onJoined: (socket, chatId) => comebacks.joined(socket, chatId),
    onGuests: (chatId, hasGuests) => copies.want(roomNames.chat(chatId), hasGuests),
  });
  const comebacks = openComebacks(foundation, knowledge, rooms);
  const directCompletions = `${config.redisKeyPrefix}:direct_completion`;
  const realtime = openRealtime(foundation, presence, knowledge, side, rooms, {
    comebacks,
    dispatching: {
      refusals: "empty",
      dynamic: openWebUiEvents((channel, line) =>
        foundation.bus.plain.publish(directCompletions, JSON.stringify({ channel, data: line }))
      ),
    },
  });
  const reloads = stack.use(new Reloads({ io: side.io, chats: rooms.chats }));
  const sweep = sweepAccess(foundation, rooms, realtime);
  onGap(() => {
    foundation.cluster.recovery?.interrupt();
    presence.sessions.writeAnew();
    void rooms.chats.noteAnew();
    sweep.now();
    reloads.tellAll();
  });

  const sweeper = createSweeper(foundation, presence, rooms);
  const draining = new Draining();
  const { metrics } = createMetrics(foundation, presence, {
    ...side,
    ...realtime,
    documents: rooms.documents.service,
  }, {});
  metrics.gauges("rt_bridge", "Messages of Open WebUI's Python processes", () => {
    const { taken, ...numbers } = bridge.stats();
    return { ...numbers, ...taken };
  });
  metrics.gauges("rt_recovery", "Sessions that come back, and what is kept for them", () => {
    const { recovery } = foundation.cluster;
    const { size = 0, recovered = 0, refused = 0 } = recovery ?? {};
    return { away: size, recovered, refused, bytes: recovery?.log.bytes ?? 0 };
  });
  metrics.gauges("rt_database", "Queries of Open WebUI's database", () => {
    const { queries, failures } = openWebUi.database;
    return { queries, failures };
  });
  const checks = [
    ...readinessChecks(foundation, presence, sweeper, draining),
    { name: "database", check: () => isThere(openWebUi) },
  ];
  const app = createHttpApp({ allowedOrigins: config.corsAllowOrigin, logger });
  app.route(
    "/",
    operations({
      ...{ checks, metrics },
      peerAddress: (c) => c.env.incoming.socket.remoteAddress,
      httpVersion: (c) => c.env.incoming.httpVersion,
      onChange: readinessLog(logger),
      ...(config.metricsToken !== undefined && { metricsToken: config.metricsToken }),
    }),
  );

  const [isHeard] = await Promise.all([
    foundation.cluster.ready(CLUSTER_READY_MS),
    followPython(foundation, bridge, side, rooms, reloads),
    rooms.documents.service.start(),
    presence.registry.start(),
  ]);
  if (!isHeard) logger.warn("other instances are not heard yet");
  presence.sessions.start();
  presence.usage.start();
  sweep.start();
  sweeper.start();
  const running = await run(foundation, {
    ...{ server: side.server, draining },
    onRequest: underBasePath(config.basePath, nodeListener(app)),
  });
  return {
    ...running,
    queries: () => openWebUi.database.queries,
    away: () => foundation.cluster.recovery?.size ?? 0,
    presence,
    bridge,
    sockets: { ...side, ...realtime, rooms },
  };
}

/**
 * The foundation, with Python's processes on the same bus. What they say in the room of a chat is for
 * those who look at somebody else's: its owner is told the same elsewhere.
 */
async function layBridged(config: Config, logger: Logger, stack: AsyncDisposableStack) {
  const listeners: (() => void)[] = [];
  let telling: ReturnType<typeof setTimeout> | undefined;
  stack.defer(() => clearTimeout(telling));
  /** Every channel tells of the same gap. */
  const told = () => {
    clearTimeout(telling);
    telling = setTimeout(() => listeners.forEach((listener) => listener()), GAP_SETTLES_MS);
  };
  let heard: { bridge: Bridge; copies: WantedRooms } | undefined;
  const bridgeOn = ({ plain: channels }: Foundation["bus"]) => {
    if (heard) return heard;
    const bridge = stack.use(new Bridge({ channels, logger, onGap: told }));
    return heard = { bridge, copies: new WantedRooms((room) => bridge.listenTo(room)) };
  };
  const foundation = await layFoundation(config, logger, stack, {
    alsoListen(room, bus) {
      const { bridge, copies } = bridgeOn(bus);
      return chatOf(room) === undefined ? bridge.listenTo(room) : copies.listenTo(room);
    },
  });
  return {
    ...bridgeOn(foundation.bus),
    foundation,
    onGap: (listener: () => void) => void listeners.push(listener),
  };
}

/** Channels are subscribed again in bunches; within this time they are one gap. */
const GAP_SETTLES_MS = 50;

/** Looks again and again after what Python announces to nobody: groups, grants, settings, stamps. */
function sweepAccess(
  { stack }: Foundation,
  { documents, channels, chats }: Rooms,
  { connections }: ReturnType<typeof openRealtime>,
): AccessSweep {
  return stack.use(
    new AccessSweep({
      reviews: [
        () => connections.recheck(),
        () => channels.allChanged(),
        () => chats.recheckAll(),
        () => documents.noteRooms.recheckAll(),
        () => documents.service.recheckAll(),
      ],
    }),
  );
}

/** Sessions that lose their connection come back to what they had, here and on any other instance. */
function openComebacks(
  { cluster: { recovery } }: Foundation,
  knowledge: Knowledge,
  { chats }: Rooms,
): Comebacks {
  if (!recovery) throw new TypeError("The foundation keeps nothing for who comes back");
  const ofSessions = {
    newPid: (sid: string) => recovery.newPid(sid),
    offset: () => recovery.log.offset,
  };
  return new Comebacks({ recovery: ofSessions, knowledge, chats });
}

/** Beside Python's own reapers, which go on to reap what is theirs. */
function createSweeper(
  foundation: Foundation,
  presence: Presence,
  { documents, chats }: Rooms,
): Sweeper {
  return openSweeper(foundation, presence, {
    documents: documents.service,
    whose: "ours",
    onSessionReaped: [
      async (sid, { chat_ids = [] }) => {
        for (const chatId of chat_ids) {
          await presence.chatViewers.leave(chatId, sid);
          await chats.announce(chatId);
        }
      },
    ],
  });
}

async function isThere({ schema }: OpenWebUi): Promise<void> {
  await deadline(schema.check(), DATABASE_TIMEOUT_MS, "Open WebUI's database");
}
