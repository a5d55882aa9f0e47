import type { Durations } from "../common/metrics.ts";
import { sharedReading } from "../common/shared_reading.ts";
import type { SystemStatus } from "../protocol/system_status.ts";
import { keys } from "../state/key_space.ts";
import type { TaskOwner } from "../state/records.ts";
import type { StateStore } from "../state/state_store.ts";
import type { UserStore } from "../users/user_store.ts";

/** What this instance alone knows of itself. */
type OwnFigures = Pick<
  SystemStatus,
  | "instance_id"
  | "local_sessions"
  | "documents"
  | "streams"
  | "events"
  | "packets_sent"
  | "bytes_sent"
>;

export interface SystemStatusSources {
  store: StateStore;
  users: Pick<UserStore, "get">;
  modelsInUse(): Promise<string[]>;
  /** The rooms here with their members' number; of sockets' own rooms, which tell nothing, none. */
  rooms(): Iterable<SystemStatus["rooms"][number]>;
  own(): OwnFigures;
  /** How late the event loop was. */
  lag: Durations;
}

/** What is listed; the rest is only counted. */
const MAX_ROOMS = 20;
const MAX_TASKS = 100;

/** How long a reading counts at least, in milliseconds. */
const FRESH_MS = 900;

/** Reads what runs right now. Several admins that look at once cost one reading. */
export const systemStatusReader = (sources: SystemStatusSources): () => Promise<SystemStatus> =>
  sharedReading(() => read(sources), { freshMs: FRESH_MS });

async function read(sources: SystemStatusSources): Promise<SystemStatus> {
  const { store, lag } = sources;
  const [instances, everywhere, tasks, models] = await Promise.all([
    readInstances(sources),
    countSessions(sources),
    readTasks(sources),
    sources.modelsInUse(),
  ]);
  const rooms = [...sources.rooms()].sort((a, b) => b.size - a.size);
  return {
    ...sources.own(),
    ...{ instances, ...everywhere, models, tasks },
    rooms: rooms.slice(0, MAX_ROOMS),
    room_count: rooms.length,
    store_round_trips: store.stats().roundTrips,
    lag: { sum_ms: lag.sumMs, count: lag.count },
  };
}

async function readInstances({ store }: SystemStatusSources): Promise<SystemStatus["instances"]> {
  const found: SystemStatus["instances"] = [];
  for await (const page of store.dictionary(keys.instances).scan()) {
    for (const [id, { host = null, started_at, heartbeat_at }] of page) {
      const [started, heartbeat] = [started_at, heartbeat_at].map((ms) => Math.floor(ms / 1000));
      found.push({ id, host, started_at: started ?? 0, heartbeat_at: heartbeat ?? 0 });
    }
  }
  return found;
}

async function countSessions(
  { store }: SystemStatusSources,
): Promise<{ sessions: number; users: number }> {
  const users = new Set<string>();
  let count = 0;
  for await (const page of store.dictionary(keys.sessionPool).scan()) {
    count += page.length;
    for (const [, { id }] of page) users.add(id);
  }
  return { sessions: count, users: users.size };
}

async function readTasks({ store, users }: SystemStatusSources): Promise<SystemStatus["tasks"]> {
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
