import type { Durations } from "../common/metrics.ts";
import type { SystemStatus } from "../protocol/system_status.ts";
import { keys } from "../state/key_space.ts";
import type { TaskOwner } from "../state/records.ts";
import type { Services } from "./services.ts";
import type { Sockets } from "./sockets.ts";

/** What is listed; the rest is only counted. */
const MAX_ROOMS = 20;
const MAX_TASKS = 100;

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0);

/** How long a reading counts at least. */
const FRESH_MS = 900;
/** Of the time, at most one part in so many is spent on reading: large pools are read less often. */
const SHARE = 20;

/** Reads what runs right now. Several admins that look at once cost one reading. */
export function createSystemStatus(services: Services, sockets: Sockets, lag: Durations) {
  let view: Promise<SystemStatus> | undefined;
  let freshUntilMs = 0;
  return async (): Promise<SystemStatus> => {
    const startedMs = performance.now();
    if (view && startedMs < freshUntilMs) return await view;
    freshUntilMs = Infinity;
    view = read(services, sockets, lag);
    try {
      return await view;
    } finally {
      const tookMs = performance.now() - startedMs;
      freshUntilMs = startedMs + Math.max(FRESH_MS, SHARE * tookMs);
    }
  };
}

async function read(services: Services, sockets: Sockets, lag: Durations): Promise<SystemStatus> {
  const { store, registry, sessions, streams, usage } = services;
  const [instances, everywhere, tasks, { model_ids }] = await Promise.all([
    readInstances(services),
    countSessions(services),
    readTasks(services),
    usage.inUse(),
  ]);
  const rooms = [...sockets.io.sockets.adapter.rooms]
    // Each socket has a room of its own, which tells nothing.
    .filter(([name]) => !sockets.io.sockets.sockets.has(name))
    .map(([name, members]) => ({ name, size: members.size }));
  const transport = sockets.server.stats();
  return {
    instance_id: registry.id,
    instances,
    ...everywhere,
    local_sessions: sessions.size,
    rooms: rooms.sort((a, b) => b.size - a.size).slice(0, MAX_ROOMS),
    room_count: rooms.length,
    models: model_ids,
    tasks,
    documents: sockets.documents.size,
    streams: streams.size,
    events: sum(sockets.dispatcher.stats().events.values()),
    packets_sent: transport.sentPackets,
    bytes_sent: transport.sentBytes,
    store_round_trips: store.stats().roundTrips,
    lag: { sum_ms: lag.sumMs, count: lag.count },
  };
}

async function readInstances({ store }: Services): Promise<SystemStatus["instances"]> {
  const found: SystemStatus["instances"] = [];
  for await (const page of store.dictionary(keys.instances).scan()) {
    for (const [id, { host = null, started_at, heartbeat_at }] of page) {
      const [started, heartbeat] = [started_at, heartbeat_at].map((ms) => Math.floor(ms / 1000));
      found.push({ id, host, started_at: started ?? 0, heartbeat_at: heartbeat ?? 0 });
    }
  }
  return found;
}

async function countSessions({ store }: Services): Promise<{ sessions: number; users: number }> {
  const users = new Set<string>();
  let count = 0;
  for await (const page of store.dictionary(keys.sessionPool).scan()) {
    count += page.length;
    for (const [, { id }] of page) users.add(id);
  }
  return { sessions: count, users: users.size };
}

async function readTasks({ store, users }: Services): Promise<SystemStatus["tasks"]> {
  const found: (readonly [id: string, owner: TaskOwner])[] = [];
  for await (const page of store.dictionary(keys.taskOwners).scan()) {
    found.push(...page);
    if (found.length >= MAX_TASKS) break;
  }
  return await Promise.all(
    found.slice(0, MAX_TASKS).map(async ([id, owner]) => ({
      ...{ id, ...owner },
      user_name: (await users.get(owner.user_id))?.name ?? null,
      started_at: Math.floor(owner.started_at / 1000),
    })),
  );
}
