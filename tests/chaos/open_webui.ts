/**
 * A real Open WebUI with this project's sockets while one thing after another breaks: two Python
 * processes, two of our instances, one Redis. People ask, and what their tabs show in the end must be
 * what Open WebUI has stored.
 */
import { pause } from "../../lib/common/pause.ts";
import { type Installed, installed as lookFor } from "../interop/real/install.ts";
import { openWorld, type World } from "../interop/real/world.ts";
import { say } from "../support/say.ts";
import { type ReadySample, ReadyWatch } from "./judge.ts";
import { looksInto, type Loss, lossesOf } from "./losses.ts";
import { Reader } from "./reader.ts";
import { isReady } from "./world.ts";

const READERS = 4;
const TOKENS = Array.from({ length: 60 }, (_, n) => `word${n} `);
const TOKEN_MS = 50;
/** Into the answers, before anything breaks. */
const CALM_MS = 1_000;
const RESTARTS = 10;
const REDIS_AWAY_MS = 500;
/** Within this time Python must be heard by every tab again. */
const HEARD_WITHIN_MS = 5_000;
const GIVE_UP_MS = 30_000;
/** More than Redis lets wait for a subscriber: it cuts all that listen to the room. */
const LARGE_BYTES = 33 * 1024 * 1024;
/** The loss of a connection may be over in less. */
const LOOK_EVERY_MS = 5;

interface Fault {
  name: string;
  /** Which instances Redis cuts, or is away from. Default: none. */
  cuts?: "all" | "some";
  /** Whether the fault lasts so long that `/ready` must have been seen to say no. */
  isSeen?: boolean;
  /** Whether tabs lose their sockets. Default: nobody does. */
  losesSockets?: boolean;
  /** Whether Python may lose answers itself, whatever carries its words. */
  losesAnswers?: boolean;
  /** Brings it about and takes it away again. */
  inflict(scene: Scene): Promise<void>;
}

interface Scene {
  world: World;
  readers: readonly Reader[];
  channelId: string;
}

/** One after another: the last leaves one Python process less. */
const FAULTS: readonly Fault[] = [
  ...Array.from({ length: RESTARTS }, (_, n): Fault => ({
    name: `openwebui-redis-restarted-${n + 1}`,
    cuts: "all",
    isSeen: true,
    async inflict({ world: { redis } }) {
      await redis.kill();
      await pause(REDIS_AWAY_MS);
      await redis.restart();
    },
  })),
  {
    name: "openwebui-large-event",
    // Redis cuts who listens to the room of the one user that is told.
    cuts: "some",
    async inflict({ world, readers: [reader] }) {
      if (!reader) throw new Error("There is nobody");
      const { chatId, messageId } = await reader.asked();
      await reader.person.api(
        "POST",
        `/api/v1/chats/${chatId}/messages/${messageId}/event`,
        { type: "a:large:event", data: { text: "x".repeat(LARGE_BYTES) } },
        world.python[0]?.url,
      );
    },
  },
  {
    name: "openwebui-instance-killed",
    losesSockets: true,
    async inflict({ world }) {
      await world.killOurs(0);
    },
  },
  {
    name: "openwebui-python-killed",
    losesAnswers: true,
    async inflict({ world }) {
      await world.killPython(0);
    },
  },
];

export const OPEN_WEBUI_FAULTS = FAULTS.map(({ name }) => name);

export interface OpenWebUiResult {
  name: string;
  /** From the end of the fault until every Python process was heard by every tab; `undefined`: never. */
  heardMs: number | undefined;
  /** The longest time in which an instance was not subscribed, in milliseconds. */
  deafMs: number;
  /** Looks at `/ready` that said no, and how many fell into such a time as a whole. */
  unready: number;
  looksInto: number;
  socketsLost: number;
  answers: number;
  /** Of them, those that Python itself did not end. */
  lostByPython: number;
  reloads: number;
  problems: string[];
}

/** How long until what each Python process says comes to all tabs. */
async function heardAgain({ world, readers, channelId }: Scene, sinceMs: number) {
  for (const { url } of world.python.filter(({ isOver }) => !isOver)) {
    for (;;) {
      if (performance.now() - sinceMs > GIVE_UP_MS) return undefined;
      const mark = crypto.randomUUID();
      const post = world.admin.api(
        ...["POST", `/api/v1/channels/${channelId}/messages/post`, { content: mark }, url] as const,
      );
      // While Redis is away Python may refuse.
      if (!await post.then(() => true, () => false)) {
        await pause(50);
        continue;
      }
      const isHeard = () => readers.every((reader) => reader.hasHeard(mark));
      for (let waited = 0; waited < 500 && !isHeard(); waited += 10) await pause(10);
      if (isHeard()) break;
    }
  }
  return performance.now() - sinceMs;
}

/** In words, where Redis did not cut whom it should, or `/ready` was wrong about it. */
function judgeLosses(
  { cuts, isSeen }: Fault,
  { ours }: World,
  losses: readonly Loss[],
  looks: readonly ReadySample[],
): string[] {
  const found: string[] = [];
  const places = [...ours.keys()].filter((place) => !ours[place]?.isOver);
  const cut = places.filter((place) => losses.some((loss) => loss.place === place));
  const least = { all: places.length, some: 1, none: 0 }[cuts ?? "none"];
  if (cut.length < least) found.push(`Redis has cut ${cut.length} instances, and not ${least}`);
  if (!cuts && cut.length > 0) found.push(`instances ${cut.join()} have lost Redis`);
  for (const { place, from, to } of losses) {
    if (to - from > HEARD_WITHIN_MS && !ours[place]?.isOver) {
      found.push(`instance ${place} heard nothing for ${to - from} ms`);
    }
  }
  const wrong = looksInto(losses, looks).filter(({ ready }) => ready);
  if (wrong.length > 0) found.push(`/ready said yes ${wrong.length} times while nothing was heard`);
  const silent = cut.filter((place) => !looks.some((look) => look.place === place && !look.ready));
  if (isSeen && silent.length > 0) {
    found.push(`instances ${silent.join()} were never seen to say that they are not ready`);
  }
  return found;
}

const total = (readers: readonly Reader[], what: "losses" | "failedReloads") =>
  readers.reduce((sum, reader) => sum + reader[what], 0);

async function suffer(fault: Fault, scene: Scene): Promise<OpenWebUiResult> {
  const { world, readers } = scene;
  const problems: string[] = [];
  const failedBefore = total(readers, "failedReloads");
  const reloadsBefore = readers.map(({ reloads }) => reloads);
  await Promise.all(readers.map((reader) => reader.ask()));
  await pause(CALM_MS);
  const socketsBefore = total(readers, "losses");
  const linesBefore = world.ours.map((server) => server.lines().length);
  let heardMs: number | undefined;
  let looks: ReadySample[];
  {
    await using watch = new ReadyWatch({ servers: [...world.ours] }, LOOK_EVERY_MS);
    await fault.inflict(scene);
    heardMs = await heardAgain(scene, performance.now());
    looks = watch.samples;
  }
  const losses = lossesOf(world.ours, linesBefore);
  problems.push(...judgeLosses(fault, world, losses, looks));
  const socketsLost = total(readers, "losses") - socketsBefore;
  if (socketsLost > 0 && !fault.losesSockets) problems.push(`${socketsLost} sockets were lost`);
  for (const [place, { url, isOver }] of world.ours.entries()) {
    if (!isOver && !await isReady(url)) problems.push(`instance ${place} is not ready again`);
  }
  if (heardMs === undefined || heardMs > HEARD_WITHIN_MS) {
    problems.push(`Python is not heard within ${HEARD_WITHIN_MS / 1_000} s`);
  }
  const judged = await Promise.all(readers.map((reader) => reader.judge(TOKENS.join(""))));
  const lostByPython = judged.filter(({ isStored }) => !isStored).length;
  if (lostByPython > 0 && !fault.losesAnswers) {
    problems.push(`${lostByPython} answers are not stored as the model said them`);
  }
  problems.push(...judged.flatMap(({ problem }) => problem ?? []));
  const reloads = readers.map((reader, at) => reader.reloads - (reloadsBefore[at] ?? 0));
  // Of a single cut it is the first, whose room has heard too much.
  const untold = { all: reloads, some: reloads.slice(0, 1), none: [] }[fault.cuts ?? "none"]
    .filter((count) => count === 0).length;
  const failed = total(readers, "failedReloads") - failedBefore;
  if (failed > 0) {
    problems.push(`${failed} times a page would have left its chat: it can't be read`);
  }
  if (untold > 0) problems.push(`${untold} who may have missed something were not told to reload`);
  return {
    ...{ name: fault.name, heardMs, socketsLost, problems },
    unready: looks.filter(({ ready }) => !ready).length,
    looksInto: looksInto(losses, looks).length,
    ...{ answers: readers.length, lostByPython },
    deafMs: Math.max(0, ...losses.map(({ from, to }) => to - from)),
    reloads: reloads.reduce((sum, count) => sum + count, 0),
  };
}

/** Says aloud what is missing when there is no Open WebUI on this machine. */
export async function openWebUiInstalled(): Promise<Installed | undefined> {
  const found = await lookFor();
  if (found === undefined) {
    say(
      "No Open WebUI is installed: its faults are left out. `deno task interop` installs the newest, " +
        "and OPEN_WEBUI_VENV names an environment that has one.",
    );
  }
  return found;
}

/** Does the faults to a deployment of their own. */
export async function sufferOpenWebUi(
  installed: Installed,
  only: readonly string[],
): Promise<OpenWebUiResult[]> {
  const faults = FAULTS.filter(({ name }) => only.length === 0 || only.includes(name));
  await using world = await openWorld(installed, {
    ...{ database: "sqlite", isBaseline: false, workers: 2, instances: 2 },
  });
  world.model.script = () => ({ tokens: TOKENS, paceMs: TOKEN_MS });
  const people = [];
  for (let n = 0; n < READERS; n++) people.push(await world.person(`Reader${n}`));
  const { id: channelId } = await world.admin.api<{ id: string }>(
    "POST",
    "/api/v1/channels/create",
    { name: "chaos", type: "group", user_ids: people.map(({ id }) => id) },
  );
  const readers: Reader[] = [];
  try {
    for (const person of people) readers.push(await Reader.open(person));
    const scene = { world, readers, channelId };
    const results: OpenWebUiResult[] = [];
    for (const fault of faults) {
      const result = await suffer(fault, scene);
      results.push(result);
      say(`${result.problems.length === 0 ? "ok    " : "FAILED"} ${result.name}`);
      for (const problem of result.problems) say(`       ${problem}`);
    }
    return results;
  } finally {
    for (const reader of readers) reader[Symbol.dispose]();
  }
}

const seconds = (ms: number | undefined) =>
  ms === undefined ? "never" : `${(ms / 1_000).toFixed(1)} s`;

export function tableOfOpenWebUi(results: readonly OpenWebUiResult[]): string {
  const head = ["fault", "Python is heard again", "longest without Redis"];
  const more = [
    "looks that found it not ready",
    "looks within, all of which have to",
    "sockets lost",
    "answers",
    "lost by Python itself",
    "told to reload",
    "verdict",
  ];
  const rows = results.map((
    {
      name,
      heardMs,
      deafMs,
      looksInto,
      unready,
      socketsLost,
      answers,
      lostByPython,
      reloads,
      problems,
    },
  ) => [
    ...[name, seconds(heardMs), `${deafMs} ms`, unready, looksInto, socketsLost],
    ...[answers, lostByPython, reloads],
    problems.length === 0 ? "holds" : `${problems.length} FAILED`,
  ]);
  const all = [[...head, ...more], [...head, ...more].map(() => "---"), ...rows];
  return all.map((row) => `| ${row.join(" | ")} |`).join("\n");
}
