/**
 * A real Open WebUI with this project's sockets while one thing after another breaks: two Python
 * processes, two of our instances, one Redis. People ask, and what their tabs show in the end must be
 * what Open WebUI has stored.
 */
import { pause } from "../../lib/common/pause.ts";
import { type Installed, installed as lookFor } from "../interop/real/install.ts";
import { openWorld, type World } from "../interop/real/world.ts";
import { say } from "../support/say.ts";
import { ReadyWatch } from "./judge.ts";
import { Reader } from "./reader.ts";

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

interface Fault {
  name: string;
  /** Where `/ready` must say no meanwhile. Default: nowhere. */
  turnsUnready?: "everywhere" | "somewhere";
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
    turnsUnready: "everywhere",
    async inflict({ world: { redis } }) {
      await redis.kill();
      await pause(REDIS_AWAY_MS);
      await redis.restart();
    },
  })),
  {
    name: "openwebui-large-event",
    // Redis cuts who listens to the room of the one user that is told.
    turnsUnready: "somewhere",
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
  unready: number;
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

async function suffer(fault: Fault, scene: Scene): Promise<OpenWebUiResult> {
  const { world, readers } = scene;
  const problems: string[] = [];
  const reloadsBefore = readers.reduce((sum, { reloads }) => sum + reloads, 0);
  await Promise.all(readers.map((reader) => reader.ask()));
  await pause(CALM_MS);
  let heardMs: number | undefined;
  let unready = 0;
  {
    await using watch = new ReadyWatch({ servers: [...world.ours] }, 20);
    await fault.inflict(scene);
    heardMs = await heardAgain(scene, performance.now());
    unready = watch.samples.filter(({ ready }) => !ready).length;
    const places = [...world.ours.keys()].filter((place) => !world.ours[place]?.isOver);
    const silent = places.filter((place) =>
      !watch.samples.some((sample) => sample.place === place && !sample.ready)
    );
    const least = { everywhere: places.length, somewhere: 1 }[fault.turnsUnready ?? "somewhere"];
    if (fault.turnsUnready && places.length - silent.length < least) {
      problems.push(`instances ${silent.join()} never said that they are not ready`);
    }
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
  return {
    ...{ name: fault.name, heardMs, unready, answers: readers.length, lostByPython, problems },
    reloads: readers.reduce((sum, { reloads }) => sum + reloads, 0) - reloadsBefore,
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
  const head = ["fault", "Python is heard again", "looks that found an instance not ready"];
  const more = ["answers as stored", "of them lost by Python itself", "told to reload", "verdict"];
  const rows = results.map((
    { name, heardMs, unready, answers, lostByPython, reloads, problems },
  ) => [
    ...[name, seconds(heardMs), unready, answers, lostByPython, reloads],
    problems.length === 0 ? "holds" : `${problems.length} FAILED`,
  ]);
  const all = [[...head, ...more], [...head, ...more].map(() => "---"), ...rows];
  return all.map((row) => `| ${row.join(" | ")} |`).join("\n");
}
