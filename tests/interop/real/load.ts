/** What forty people cost, before Python alone and before this project's sockets. */
import { until } from "../../support/until.ts";
import type { Person, Tab } from "./person.ts";
import type { World } from "./world.ts";

const PEOPLE = 40;
const SECONDS = 8;
const EVENTS_PER_SECOND = 200;
/** Of Linux, for `/proc/{pid}/stat`. */
const TICKS_PER_SECOND = 100;

export interface Figure {
  what: string;
  value: string;
}

/** CPU time of the processes so far, in milliseconds. */
async function cpuMs(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 1_000 / TICKS_PER_SECOND;
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;

/** Emits evenly for some seconds, and says what an event cost each side, beyond what idling costs. */
async function costOf(
  world: World,
  what: string,
  emit: (at: number) => void,
  perSecond: number,
): Promise<Figure[]> {
  const sides = { Python: world.python, ours: world.ours };
  const pids = Object.entries(sides)
    .map(([side, all]) => [side, all.map(({ pid }) => pid)] as const)
    .filter(([, all]) => all.length > 0);
  const spent = async (work: () => Promise<void>) => {
    const before = await Promise.all(pids.map(([, all]) => cpuMs(all)));
    await work();
    const after = await Promise.all(pids.map(([, all]) => cpuMs(all)));
    return after.map((ms, at) => ms - (before[at] ?? 0));
  };
  const seconds = (work: () => void) =>
    new Promise<void>((resolve) => {
      const timer = setInterval(work, 50);
      setTimeout(() => {
        clearInterval(timer);
        resolve();
      }, SECONDS * 1_000);
    });
  const idle = await spent(() => seconds(() => {}));
  let sent = 0;
  const loaded = await spent(() =>
    seconds(() => {
      for (let n = 0; n < perSecond / 20; n++) emit(sent++);
    })
  );
  return pids.map(([side], at) => ({
    what: `${what}: CPU in ${side}`,
    value: `${(((loaded[at] ?? 0) - (idle[at] ?? 0)) / sent).toFixed(3)} ms`,
  }));
}

/** Typing in a channel of forty, ten times a second: how late it is at the others. */
async function typing(world: World, people: Person[], tabs: Tab[]): Promise<Figure[]> {
  const { id } = await world.admin.api<{ id: string }>("POST", "/api/v1/channels/create", {
    ...{ name: "load", type: "group", user_ids: people.map((person) => person.id) },
  });
  for (const [at, tab] of tabs.entries()) {
    const { token } = people[at] as Person;
    await tab.socket.emitWithAck("user-join", { auth: { token } });
  }
  const lateMs: number[] = [];
  // One is out before the next is sent: nothing of ours is in what is told of it.
  let sentAtMs = 0;
  for (const tab of tabs) {
    tab.socket.on("events:channel", ({ data }) => {
      if (data?.type === "typing") lateMs.push(performance.now() - sentAtMs);
    });
  }
  const figures = await costOf(world, "typing to 40", (n) => {
    sentAtMs = performance.now();
    tabs[n % tabs.length]?.socket.emit("events:channel", {
      ...{ channel_id: id, message_id: null, data: { type: "typing", data: { typing: true } } },
    });
  }, 20);
  const sorted = lateMs.toSorted((a, b) => a - b);
  return [
    {
      what: "typing to 40: p50 / p95",
      value: `${quantile(sorted, 0.5).toFixed(1)} / ${quantile(sorted, 0.95).toFixed(1)} ms`,
    },
    ...figures,
  ];
}

async function memory(world: World): Promise<Figure[]> {
  const rssMb = async (pid: number) => {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  };
  const figures: Figure[] = [];
  for (const [side, all] of Object.entries({ Python: world.python, ours: world.ours })) {
    const sizes = await Promise.all(all.map(({ pid }) => rssMb(pid)));
    if (sizes.length > 0) {
      figures.push({
        what: `memory of a process of ${side}`,
        value: `${Math.round(Math.max(...sizes))} MB`,
      });
    }
  }
  return figures;
}

export async function measure(world: World): Promise<Figure[]> {
  const people: Person[] = [];
  for (let n = 0; n < PEOPLE; n++) people.push(await world.person(`P${n}`));
  const tabs = await Promise.all(people.map((person) => person.tab()));
  try {
    await until(() => tabs.every(({ socket }) => socket.connected), { what: "all tabs" });
    const heartbeats = await costOf(world, "a heartbeat", (at) => {
      tabs[at % tabs.length]?.socket.emit("heartbeat", {});
    }, EVENTS_PER_SECOND);
    const pings = await costOf(world, "a usage ping", (at) => {
      tabs[at % tabs.length]?.socket.emit("usage", { model: "m", action: "chat", chat_id: null });
    }, EVENTS_PER_SECOND);
    return [...heartbeats, ...pings, ...await typing(world, people, tabs), ...await memory(world)];
  } finally {
    for (const tab of tabs) tab[Symbol.dispose]();
  }
}
