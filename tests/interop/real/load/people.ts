/** What forty people at work cost, before Python alone and before this project's sockets. */
import { Redis } from "ioredis";
import { pause } from "../../../../lib/common/pause.ts";
import { until } from "../../../support/until.ts";
import { ask } from "../checks/chats.ts";
import type { Person, Tab } from "../person.ts";
import type { World } from "../world.ts";
import { type Figure, latenessOf, memoryOf, spentBy, type Tell } from "./costs.ts";
import { inviteGuests } from "./guests.ts";

const PEOPLE = 40;
const SECONDS = 8;
const EVENTS_PER_SECOND = 200;
const TICK_MS = 50;
const DRAIN_SECONDS = 0.5;
const MOST_DRAINS = 20;
/** Of a core. */
const IDLE_SHARE = 0.15;
/** What a process of ours has served when it is measured: V8 compiles while it serves the first. */
const WARM_EVENTS = 20_000;

/** An answer: so many tokens, ten a second. */
const TOKENS = 40;
const TOKEN_EVERY_MS = 100;
const STREAMING = 20;
const TABS_OF_ONE = 20;

const during = (seconds: number, work: () => void) =>
  new Promise<void>((resolve) => {
    const timer = setInterval(work, TICK_MS);
    setTimeout(() => {
      clearInterval(timer);
      resolve();
    }, seconds * 1_000);
  });

/** Waits until no side has more to do than somebody who idles. */
async function drained(world: World): Promise<void> {
  for (let tries = 0; tries < MOST_DRAINS; tries++) {
    const spent = await spentBy(world, () => during(DRAIN_SECONDS, () => {}));
    if (spent.every(([, ms]) => ms < IDLE_SHARE * DRAIN_SECONDS * 1_000)) return;
  }
}

/** Emits evenly for some seconds, and says what an event cost each side, beyond what idling costs. */
async function costOf(
  world: World,
  what: string,
  emit: (at: number) => void,
  perSecond: number,
): Promise<Figure[]> {
  const idle = new Map(await spentBy(world, () => during(SECONDS, () => {})));
  let sent = 0;
  const began = performance.now();
  const loaded = await spentBy(world, async () => {
    await during(SECONDS, () => {
      for (let n = 0; n < perSecond * TICK_MS / 1_000; n++) emit(sent++);
    });
    // What waits in a side that is full is part of the cost, and none of the next figure's.
    await drained(world);
  });
  const windows = (performance.now() - began) / (SECONDS * 1_000);
  return loaded.map(([side, ms]) => ({
    what: `${what}: CPU in ${side}`,
    value: `${((ms - windows * (idle.get(side) ?? 0)) / sent).toFixed(3)} ms`,
  }));
}

/** Has our process serve what one of thousands of tabs serves in its first minutes. */
async function warm({ ours }: World, tabs: readonly Tab[]): Promise<void> {
  for (let sent = 0; ours.length > 0 && sent < WARM_EVENTS;) {
    for (const [at, { socket }] of tabs.entries()) {
      if (at % 2 === 0) socket.emit("heartbeat", {});
      else socket.emit("usage", { model: "m", action: "chat", chat_id: null });
      sent++;
    }
    await pause(TICK_MS / 2);
  }
}

/** Typing in a channel of forty, twenty times a second: how late it is at the others. */
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
  }, 1_000 / TICK_MS);
  return [{ what: "typing to 40: p50 / p95 / longest", value: latenessOf(lateMs) }, ...figures];
}

/** An answer whose tokens are the times at which they were sent. */
function* stampedTokens(): Generator<string | number> {
  const line = (delta: unknown, finish_reason: string | null) =>
    `data: ${
      JSON.stringify({
        ...{ id: "chatcmpl-load", object: "chat.completion.chunk" },
        choices: [{ index: 0, delta, finish_reason }],
      })
    }\n\n`;
  for (let n = 0; n < TOKENS; n++) {
    yield TOKEN_EVERY_MS;
    yield line({ content: `<${performance.now().toFixed(1)}>` }, null);
  }
  yield line({}, "stop") + "data: [DONE]\n\n";
}

interface Told {
  data?: { type?: string; data?: { type?: string; delta?: string; done?: boolean } };
}

/** Tokens of `stampedTokens` in a text, by the times at which they were sent. */
const stampsIn = (text: string) => [...text.matchAll(/<(\d+\.\d)>/g)].map(([, at]) => Number(at));

/** When each token was in Redis for whoever listens: until then it was Python's. */
async function publishedTokens({ redis }: World) {
  const atMs = new Map<number, number>();
  const listener = new Redis(redis.url);
  listener.on("pmessage", (_pattern, _channel, text) => {
    for (const stamp of text.includes("output_text.delta") ? stampsIn(text) : []) {
      if (!atMs.has(stamp)) atMs.set(stamp, performance.now());
    }
  });
  await listener.psubscribe("socketio*");
  return { atMs, [Symbol.dispose]: () => listener.disconnect() };
}

/**
 * Asks at each of the tabs, and says how late the tokens are at all that hear them, how much of it was
 * before and after Redis, and who spent what.
 */
async function streams(
  world: World,
  what: string,
  asking: readonly [Person, Tab][],
  hearing: readonly Tab[],
): Promise<Figure[]> {
  world.model.script = () => ({ wire: stampedTokens() });
  using published = await publishedTokens(world);
  const lateMs: number[] = [];
  const heardAtMs: [stamp: number, atMs: number][] = [];
  let ended = 0;
  const onEvent = ({ data: { type, data } = {} }: Told) => {
    if (type === "response:completion" && data?.type === "response.output_text.delta") {
      for (const stamp of stampsIn(String(data.delta))) {
        lateMs.push(performance.now() - stamp);
        heardAtMs.push([stamp, performance.now()]);
      }
    } else if (type === "chat:completion" && data?.done) ended++;
  };
  for (const { socket } of hearing) socket.on("events", onEvent);
  // As the client does for each answer that it waits for.
  const pings = setInterval(() => {
    for (const [, { socket }] of asking) {
      socket.emit("usage", { model: "stand-in", action: "chat", chat_id: null });
    }
  }, 1_000);
  try {
    const spent = await spentBy(world, async () => {
      await Promise.all(asking.map(([person, tab]) => ask(person, tab, { background_tasks: {} })));
      const wanted = TOKENS * asking.length * (hearing.length / asking.length);
      await until(() => lateMs.length >= wanted, {
        ...{ what: `${wanted} tokens (${lateMs.length}, ${ended} ends)`, limitMs: 60_000 },
      });
    });
    const afterRedisMs = heardAtMs.map(([stamp, at]) => at - (published.atMs.get(stamp) ?? NaN))
      .filter((ms) => !Number.isNaN(ms));
    return [
      { what: `${what}: p50 / p95 / longest`, value: latenessOf(lateMs) },
      {
        what: `${what}: until Python has published it`,
        value: latenessOf([...published.atMs].map(([stamp, at]) => at - stamp)),
      },
      { what: `${what}: at the tab after it was in Redis`, value: latenessOf(afterRedisMs) },
      ...spent.map(([side, ms]) => ({
        what: `${what}: CPU in ${side}`,
        value: `${(ms / 1_000).toFixed(2)} s`,
      })),
    ];
  } finally {
    clearInterval(pings);
    for (const { socket } of hearing) socket.off("events", onEvent);
  }
}

export async function measurePeople(world: World, tell: Tell): Promise<void> {
  const people = await inviteGuests(world, PEOPLE);
  const tabs = await Promise.all(people.map((person) => person.tab()));
  const opened = [...tabs];
  try {
    await warm(world, tabs);
    await drained(world);
    tell(
      ...await costOf(world, "a heartbeat", (at) => {
        tabs[at % tabs.length]?.socket.emit("heartbeat", {});
      }, EVENTS_PER_SECOND),
    );
    tell(
      ...await costOf(world, "a usage ping", (at) => {
        tabs[at % tabs.length]?.socket.emit("usage", { model: "m", action: "chat", chat_id: null });
      }, EVENTS_PER_SECOND),
    );
    tell(...await typing(world, people, tabs));
    const asking = tabs.slice(0, STREAMING).map((tab, at): [Person, Tab] => [
      people[at] as Person,
      tab,
    ]);
    tell(...await streams(world, "20 streaming chats", asking, tabs.slice(0, STREAMING)));
    const [one] = asking;
    if (!one) throw new Error("There is nobody");
    const more = await Promise.all(Array.from({ length: TABS_OF_ONE - 1 }, () => one[0].tab()));
    opened.push(...more);
    tell(...await streams(world, "20 tabs of one user", [one], [one[1], ...more]));
    tell(...await memoryOf(world));
  } finally {
    for (const tab of opened) tab[Symbol.dispose]();
  }
}
