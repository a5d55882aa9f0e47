import type { Durations } from "../common/metrics.ts";
import { answerForFigures, askForFigures, type InstanceFigures } from "../http/instance_figures.ts";
import { systemStatusReader } from "../http/read_system_status.ts";
import type { SystemStatus } from "../protocol/system_status.ts";
import { chatOf } from "../realtime/chat_rooms.ts";
import { viewedChannelOf } from "../realtime/channel_viewers.ts";
import type { Foundation } from "./foundation.ts";
import type { Services } from "./services.ts";
import type { Sockets } from "./sockets.ts";

/** What an instance lists of itself; the rest is only counted. */
const MAX_ROOMS = 20;
const MAX_TABS = 200;
const MAX_ANSWERS = 200;
/** What one tab looks at. */
const MAX_PLACES = 4;

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0);
const isDocument = (room: string) => room.startsWith("doc_");

/** Reads the running system for its admins: nothing is gathered while none of them looks. */
export function createSystemStatus(
  { store, instanceId, cluster, stack }: Foundation,
  services: Services,
  sockets: Sockets,
  lag: Durations,
): () => Promise<SystemStatus> {
  const own = () => figures({ store }, services, sockets, lag);
  stack.use(answerForFigures(cluster.instances, own));
  return systemStatusReader({
    ...{ store, instanceId, own, users: services.users },
    modelsInUse: async () => (await services.usage.inUse()).model_ids,
    figuresOf: (id) => askForFigures(cluster.instances, id),
  });
}

/** What this instance knows of itself. */
function figures(
  { store }: Pick<Foundation, "store">,
  { sessions, streams }: Services,
  { server, io, dispatcher, documents, tape }: Sockets,
  lag: Durations,
): InstanceFigures {
  const all = io.sockets.adapter.rooms;
  // Each socket's own room tells nothing.
  const rooms = [...all].filter(([name]) => !io.sockets.sockets.has(name))
    .map(([name, members]) => ({ name, size: members.size }));
  const tabs: InstanceFigures["tabs"] = [];
  for (const { data: { session }, rooms, handshake } of io.sockets.sockets.values()) {
    if (!session) continue;
    if (tabs.length >= MAX_TABS) break;
    const isPlace = (room: string) =>
      chatOf(room) !== undefined || viewedChannelOf(room) !== undefined || isDocument(room);
    tabs.push({
      user_id: session.user.id,
      user_name: session.user.name,
      since: Math.floor(handshake.issued / 1000),
      rooms: [...rooms].filter(isPlace).slice(0, MAX_PLACES),
    });
  }
  const { sentPackets, sentBytes } = server.stats();
  return {
    ...{ tabs, sessions: sessions.size, documents: documents.size, streams: streams.size },
    rooms: rooms.sort((a, b) => b.size - a.size).slice(0, MAX_ROOMS),
    room_count: rooms.length,
    answers: [...streams.pieces()].slice(0, MAX_ANSWERS)
      .map(([task_id, pieces]) => ({ task_id, pieces })),
    events: sum(dispatcher.stats().events.values()),
    packets_sent: sentPackets,
    bytes_sent: sentBytes,
    store_round_trips: store.stats().roundTrips,
    lag: { sum_ms: lag.sumMs, count: lag.count },
    passing: tape.look(),
  };
}
