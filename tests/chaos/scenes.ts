/** What leaves nobody to go on with, or has a world of its own: each is played once. */
import { ask, completions, message, newChat } from "../e2e/support/chat.ts";
import { connect, personAt, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { judgeLog, Probe } from "./judge.ts";
import { emptyTally } from "./load.ts";
import type { Result } from "./report.ts";
import { installedProxies, roll } from "./rolling_restart.ts";
import { openWorld } from "./world.ts";

export interface Scene {
  name: string;
  play(): Promise<Result[]>;
}

const resultOf = (name: string, more: Partial<Result>): Result => ({
  ...{ name, recoveredMs: undefined, leftMs: undefined, acknowledged: 0, excused: 0 },
  ...{ tally: emptyTally(), problems: [] },
  ...more,
});

/** How soon each reader is to be told that there is nothing any more. */
const TOLD_WITHIN_MS = 15_000;
const READERS = 6;

const prompt = (content: string) => ({ messages: [{ role: "user", content }] });

/** Redis loses all it has, people included, while they read: each is told, and new people find it well. */
async function emptied(): Promise<Result[]> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openWorld("standalone"));
  const { servers, redis } = world;
  const problems: string[] = [];
  const tally = emptyTally();
  const from = servers.map((server) => server.lines().length);
  const ada = await signUp(servers[0]?.url ?? "");
  const readings = [];
  for (let n = 0; n < READERS; n++) {
    const url = servers[n % servers.length]?.url ?? "";
    const person = personAt(url, ada);
    const client = stack.use(await connect(url, ada.token));
    const chatId = await newChat(person, "titled");
    await ask(person, chatId, prompt(`n${n}:300`));
    await until(() => completions(client, chatId).length > 3, { what: "a stream" });
    readings.push({ client, chatId, person });
  }
  await redis?.command("FLUSHALL");
  await Promise.all(readings.map(async ({ client, chatId }, n) => {
    const isTold = await until(
      () => completions(client, chatId).at(-1)?.data.data.done || client.errors.length > 0,
      { what: "the end", limitMs: TOLD_WITHIN_MS },
    ).catch(() => false);
    if (isTold) tally.failed++;
    else problems.push(`reader ${n} is told nothing`);
  }));
  const emptiedAt = performance.now();
  const bea = await signUp(servers[1]?.url ?? "");
  await using probe = await Probe.open(bea, world);
  const recoveredMs = await probe.whole(emptiedAt);
  if (recoveredMs === undefined) problems.push("events do not go from each to each again");
  const chatId = await newChat(bea, "titled");
  await ask(bea, chatId, prompt("new:20"));
  const end = await until(async () => {
    const now = await message(bea, chatId).catch(() => undefined);
    return now?.done ? now : undefined;
  }, { what: "an answer in the empty store", limitMs: 10_000 }).catch(() => undefined);
  if (end?.content) tally.whole++;
  else problems.push("an answer in the empty store is not stored");
  for (const [place, server] of servers.entries()) {
    problems.push(...judgeLog(server, place, from[place] ?? 0, {}));
  }
  return [resultOf("redis-emptied", { recoveredMs, tally, problems })];
}

/** Each of two instances is ended and started anew behind a proxy, and then killed. */
async function rolled(): Promise<Result[]> {
  const results: Result[] = [];
  for (const proxy of installedProxies()) {
    const { found, answers, languages } = await roll(proxy);
    const name = `rolling-restart (${proxy}; clients: ${["JavaScript", ...languages].join(", ")})`;
    results.push(resultOf(name, {
      tally: { ...emptyTally(), whole: answers },
      problems: found,
    }));
  }
  return results;
}

export const SCENES: readonly Scene[] = [
  { name: "redis-emptied", play: emptied },
  { name: "rolling-restart", play: rolled },
];
