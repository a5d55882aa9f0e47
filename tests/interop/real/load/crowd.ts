/** What thousands of tabs cost that come at once, that idle, and that are in the pool. */
import { pause } from "../../../../lib/common/pause.ts";
import { clientFrame } from "../../../bench/load/frames.ts";
import { LoadSocket } from "../../../bench/load/socket.ts";
import type { Person } from "../person.ts";
import type { World } from "../world.ts";
import { type Figure, memoryOf, spentBy, type Tell } from "./costs.ts";
import { databaseWork, inviteGuests } from "./guests.ts";

/** Who is not back by then is counted, and not waited for. */
const STORM_LIMIT_MS = 240_000;
/** As socket.io-client waits: a second, half of it by chance, doubled up to five. */
const RECONNECT = { firstMs: 1_000, maxMs: 5_000, chance: 0.5 };

/** Of those who came. */
const IDLE_SHARE = 0.8;
/** As the client does. */
const HEARTBEAT_EVERY_MS = 30_000;

const IN_POOL = 20_000;
const LOOKERS = 10;
const REDIS_AWAY_MS = 1;
const PROBE_EVERY_MS = 5;

const HEARTBEAT = clientFrame('42["heartbeat",{}]');

/** Where the sockets of this deployment are. */
const socketsAt = ({ ours, python }: World) => (ours[0] ?? python[0])?.url ?? "";

/** One tab comes back as the client does, again and again, until it has joined or the time is over. */
async function comeBack(port: number, { token }: Person, over: AbortSignal) {
  for (let waitMs = RECONNECT.firstMs; !over.aborted; waitMs *= 2) {
    const { maxMs, chance } = RECONNECT;
    await pause(Math.min(maxMs, waitMs * (1 - chance + 2 * chance * Math.random())), over);
    const joined = Promise.withResolvers<void>();
    joined.promise.catch(() => {});
    try {
      const socket = await LoadSocket.connect({
        ...{ port, token },
        onPacket: (kind) => kind === "ack" && joined.resolve(),
        onLost: (why) => joined.reject(new Error(why)),
      });
      await socket.send(clientFrame(`420${JSON.stringify(["user-join", { auth: { token } }])}`));
      await joined.promise;
      return socket;
    } catch {
      // Full or busy for the moment: the next try is later.
    }
  }
  return undefined;
}

/** All come at once, as after a network that failed or a proxy that was restarted. */
async function storm(world: World, people: readonly Person[]) {
  const port = Number(new URL(socketsAt(world)).port);
  const over = new AbortController();
  const back: LoadSocket[] = [];
  const before = await databaseWork(world);
  const began = performance.now();
  let lastMs = 0;
  const coming = people.map(async (person) => {
    const socket = await comeBack(port, person, over.signal);
    if (!socket) return;
    back.push(socket);
    lastMs = performance.now() - began;
  });
  const spent = await spentBy(world, async () => {
    const all = Promise.all(coming);
    await Promise.race([all, pause(STORM_LIMIT_MS, over.signal)]);
  });
  const late = people.length - back.length;
  over.abort();
  const { transactions } = await databaseWork(world);
  const seconds = `${(lastMs / 1_000).toFixed(1)} s`;
  const figures: Figure[] = [
    {
      what: `${people.length} tabs come back at once: all are there after`,
      value: late === 0 ? seconds : `${late} are not after ${STORM_LIMIT_MS / 1_000} s`,
    },
    {
      what: "… transactions in the database",
      value: String(transactions - before.transactions),
    },
    ...spent.map(([side, ms]) => ({
      what: `… CPU in ${side}`,
      value: `${(ms / 1_000).toFixed(1)} s`,
    })),
  ];
  return { figures, back, coming };
}

/** Tabs that nobody uses: each says once in half a minute that it is there. */
async function idle(world: World, tabs: readonly LoadSocket[]): Promise<Figure[]> {
  const before = await databaseWork(world);
  const everyMs = HEARTBEAT_EVERY_MS / tabs.length;
  const spent = await spentBy(world, async () => {
    const began = performance.now();
    for (let sent = 0; performance.now() - began < HEARTBEAT_EVERY_MS;) {
      for (; sent * everyMs < performance.now() - began; sent++) {
        void tabs[sent % tabs.length]?.send(HEARTBEAT).catch(() => {});
      }
      await pause(20);
    }
  });
  // What the last of them set off.
  await pause(2_000);
  const after = await databaseWork(world);
  return [
    {
      what: `${tabs.length} idle tabs, a heartbeat each in 30 s: rows that were written`,
      value: String(after.userWrites - before.userWrites),
    },
    {
      what: "… transactions in the database",
      value: String(after.transactions - before.transactions),
    },
    ...spent.map(([side, ms]) => ({
      what: `… CPU in ${side}`,
      value: `${(100 * ms / HEARTBEAT_EVERY_MS).toFixed(1)} % of a core`,
    })),
  ];
}

/** Sessions of processes elsewhere, as Python writes them. */
async function fillPool({ redis }: World): Promise<void> {
  const last_seen_at = Math.floor(Date.now() / 1_000);
  for (let from = 0; from < IN_POOL; from += 1_000) {
    const entries = Array.from({ length: 1_000 }, (_, n) => {
      const id = `elsewhere-${from + n}`;
      return [id, JSON.stringify({ id, name: id, email: `${id}@x`, role: "user", last_seen_at })];
    });
    await redis.command("HSET", "open-webui:session_pool", ...entries.flat());
  }
}

/** How long the process that has the sockets answers nobody while some begin to look at a chat. */
async function pool(world: World, people: readonly Person[]): Promise<Figure[]> {
  await fillPool(world);
  if (world.redisWay) world.redisWay.delayMs = REDIS_AWAY_MS;
  const lookers = await Promise.all(
    people.slice(0, LOOKERS).map(async (person) => {
      const { id } = await person.api<{ id: string }>("POST", "/api/v1/chats/new", {
        chat: { title: "Looked at", models: [], messages: [], history: { messages: {} } },
      });
      return [await person.tab(), id] as const;
    }),
  );
  let longestMs = 0;
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      const asked = performance.now();
      await (await fetch(`${socketsAt(world)}/health`)).arrayBuffer();
      longestMs = Math.max(longestMs, performance.now() - asked);
      await pause(PROBE_EVERY_MS);
    }
  })();
  try {
    for (const [tab, chat_id] of lookers) {
      await tab.socket.timeout(60_000).emitWithAck("events:chat", {
        ...{ chat_id, data: { type: "join" } },
      });
      await pause(200);
    }
  } finally {
    isOver = true;
    await probing;
    for (const [tab] of lookers) tab[Symbol.dispose]();
  }
  return [{
    what: "20,000 sessions in the pool, Redis 1 ms away, a tab begins to look at a chat: " +
      "longest silence of the process with the sockets",
    value: `${longestMs.toFixed(0)} ms`,
  }];
}

export async function measureCrowd(world: World, tell: Tell, tabs: number): Promise<void> {
  const people = await inviteGuests(world, tabs);
  const { figures, back, coming } = await storm(world, people);
  tell(...figures);
  await Promise.all(coming);
  await Promise.all(back.splice(IDLE_SHARE * tabs).map((socket) => socket.close()));
  tell(...await idle(world, back));
  tell(...await memoryOf(world));
  await Promise.all(back.map((socket) => socket.close()));
  tell(...await pool(world, people));
}
