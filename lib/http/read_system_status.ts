import { sharedReading } from "../common/shared_reading.ts";
import type { SystemStatus } from "../protocol/system_status.ts";
import { keys } from "../state/key_space.ts";
import type { TaskOwner } from "../state/records.ts";
import type { StateStore } from "../state/state_store.ts";
import type { UserStore } from "../users/user_store.ts";
import type { InstanceFigures } from "./instance_figures.ts";
import { roomTitles } from "./room_titles.ts";

export interface SystemStatusSources {
  store: StateStore;
  users: Pick<UserStore, "get">;
  instanceId: string;
  modelsInUse(): Promise<string[]>;
  own(): InstanceFigures;
  /** Another instance's figures; `undefined` when it does not answer. */
  figuresOf(instanceId: string): Promise<InstanceFigures | undefined>;
}

/** What is listed; the rest is only counted. */
const MAX_ROOMS = 20;
const MAX_TASKS = 100;
const MAX_PEOPLE = 100;
const MAX_TABS = 10;
const MAX_PASSING = 60;
/** Other instances that are asked. */
const MAX_INSTANCES = 64;

/** How long a reading counts at least, in milliseconds. */
const FRESH_MS = 900;

type TitleOf = (room: string) => Promise<string>;
type Told = readonly (readonly [instanceId: string, figures: InstanceFigures])[];

/** Reads what runs right now. Several admins that look at once cost one reading. */
export function systemStatusReader(sources: SystemStatusSources): () => Promise<SystemStatus> {
  // A large pool is looked through less often; to wait for an instance that hangs costs nobody anything.
  const count = sharedReading(() => countSessions(sources.store), { freshMs: FRESH_MS });
  return sharedReading(() => read(sources, count), { freshMs: FRESH_MS, share: 1 });
}

async function read(
  sources: SystemStatusSources,
  count: () => ReturnType<typeof countSessions>,
): Promise<SystemStatus> {
  const { instanceId } = sources;
  const titleOf = roomTitles(sources);
  const [instances, everywhere, models] = await Promise.all([
    readInstances(sources),
    count(),
    sources.modelsInUse(),
  ]);
  const told = await askAll(sources, instances.map(({ id }) => id));
  const figures = told.map(([, one]) => one);
  const total = (of: (one: InstanceFigures) => number) =>
    figures.reduce((sum, one) => sum + of(one), 0);
  const byId = new Map(told);
  const [people, rooms, tasks] = await Promise.all([
    listPeople(told, titleOf),
    listRooms(figures, titleOf),
    listTasks(sources, figures, titleOf),
  ]);
  return {
    instance_id: instanceId,
    read_at: Date.now(),
    instances: instances.map((one) => ({ ...one, sessions: byId.get(one.id)?.sessions ?? null })),
    ...{ ...everywhere, models, people, rooms, tasks },
    room_count: total((one) => one.room_count),
    documents: total((one) => one.documents),
    streams: total((one) => one.streams),
    events: total((one) => one.events),
    packets_sent: total((one) => one.packets_sent),
    bytes_sent: total((one) => one.bytes_sent),
    store_round_trips: total((one) => one.store_round_trips),
    lag: { sum_ms: total(({ lag }) => lag.sum_ms), count: total(({ lag }) => lag.count) },
    passing: told
      .flatMap(([instance_id, { passing }]) => passing.map((one) => ({ instance_id, ...one })))
      .sort((a, b) => a.at - b.at).slice(-MAX_PASSING),
  };
}

async function askAll(
  { instanceId, own, figuresOf }: SystemStatusSources,
  instanceIds: string[],
): Promise<Told> {
  const others = instanceIds.filter((id) => id !== instanceId).slice(0, MAX_INSTANCES);
  const asked = others.map(async (id) => [id, await figuresOf(id)] as const);
  const told: [string, InstanceFigures][] = [[instanceId, own()]];
  for (const [id, figures] of await Promise.all(asked)) if (figures) told.push([id, figures]);
  return told;
}

async function readInstances({ store }: SystemStatusSources) {
  const found: Omit<SystemStatus["instances"][number], "sessions">[] = [];
  for await (const page of store.dictionary(keys.instances).scan()) {
    for (const [id, { host = null, started_at, heartbeat_at }] of page) {
      const [started, heartbeat] = [started_at, heartbeat_at].map((ms) => Math.floor(ms / 1000));
      found.push({ id, host, started_at: started ?? 0, heartbeat_at: heartbeat ?? 0 });
    }
  }
  return found;
}

async function countSessions(store: StateStore): Promise<{ sessions: number; users: number }> {
  const users = new Set<string>();
  let count = 0;
  for await (const page of store.dictionary(keys.sessionPool).scan()) {
    count += page.length;
    for (const [, { id }] of page) users.add(id);
  }
  return { sessions: count, users: users.size };
}

async function listPeople(told: Told, titleOf: TitleOf): Promise<SystemStatus["people"]> {
  const people = new Map<string, { name: string; tabs: [string, InstanceFigures["tabs"][0]][] }>();
  for (const [instanceId, { tabs }] of told) {
    for (const tab of tabs) {
      const person = people.get(tab.user_id) ?? { name: tab.user_name, tabs: [] };
      people.set(tab.user_id, person);
      person.tabs.push([instanceId, tab]);
    }
  }
  const most = [...people].sort(([, a], [, b]) => b.tabs.length - a.tabs.length);
  return await Promise.all(
    most.slice(0, MAX_PEOPLE).map(async ([id, { name, tabs }]) => ({
      ...{ id, name, tab_count: tabs.length },
      tabs: await Promise.all(
        tabs.slice(0, MAX_TABS).map(async ([instance_id, { since, rooms }]) => ({
          ...{ instance_id, since },
          rooms: await Promise.all(
            rooms.map(async (room) => ({ name: room, title: await titleOf(room) })),
          ),
        })),
      ),
    })),
  );
}

async function listRooms(
  figures: readonly InstanceFigures[],
  titleOf: TitleOf,
): Promise<SystemStatus["rooms"]> {
  const sizes = new Map<string, number>();
  for (const { rooms } of figures) {
    for (const { name, size } of rooms) sizes.set(name, (sizes.get(name) ?? 0) + size);
  }
  const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, MAX_ROOMS);
  return await Promise.all(
    largest.map(async ([name, size]) => ({ name, size, title: await titleOf(name) })),
  );
}

async function listTasks(
  { store, users }: SystemStatusSources,
  figures: readonly InstanceFigures[],
  titleOf: TitleOf,
): Promise<SystemStatus["tasks"]> {
  const found: (readonly [id: string, owner: TaskOwner])[] = [];
  for await (const page of store.dictionary(keys.taskOwners).scan()) {
    found.push(...page);
    if (found.length >= MAX_TASKS) break;
  }
  if (found.length === 0) return [];
  const pieces = new Map(
    figures.flatMap(({ answers }) => answers.map((one) => [one.task_id, one.pieces] as const)),
  );
  const modelOf = await modelsOfTasks(store);
  return await Promise.all(
    found.slice(0, MAX_TASKS).map(async ([id, owner]) => ({
      ...{ id, ...owner },
      user_name: (await users.get(owner.user_id))?.name ?? null,
      title: await titleOf(roomOf(owner.item_id)),
      model: await modelOf(id),
      pieces: pieces.get(id) ?? null,
      started_at: Math.floor(owner.started_at / 1000),
    })),
  );
}

/** A task's item is a chat, or says what it is itself. */
const roomOf = (itemId: string) => itemId.includes(":") ? itemId : `chat:${itemId}`;

/** Which model writes the answer of a task; `null` where it is no answer in a chat that is kept. */
async function modelsOfTasks(
  store: StateStore,
): Promise<(taskId: string) => Promise<string | null>> {
  const places = new Map<string, { chatId: string; messageId: string }>();
  for await (const page of store.dictionary(keys.streams).scan()) {
    for (const [, { taskId, chatId, messageId }] of page) {
      if (taskId !== undefined) places.set(taskId, { chatId, messageId });
    }
  }
  return async (taskId) => {
    const place = places.get(taskId);
    if (!place) return null;
    const message = await store.dictionary(keys.chatMessages(place.chatId)).get(place.messageId);
    return typeof message?.model === "string" ? message.model : null;
  };
}
