/**
 * `deno task chaos`: real server processes on real Redis servers under a steady load of real clients,
 * while one thing after another breaks. Ends with 1 when a requirement fails.
 */
import { pause } from "../../lib/common/pause.ts";
import { endOnSignals } from "../support/ending.ts";
import { redisAvailable } from "../support/redis_servers.ts";
import { say } from "../support/say.ts";
import { type Fault, FAULTS } from "./faults.ts";
import { judgeLog, judgeReadiness, Probe, ReadyWatch, untilGone } from "./judge.ts";
import { Ledger } from "./ledger.ts";
import { Load } from "./load.ts";
import { parseOptions, randomOf } from "./options.ts";
import {
  OPEN_WEBUI_FAULTS,
  openWebUiInstalled,
  type OpenWebUiResult,
  sufferOpenWebUi,
  tableOfOpenWebUi,
} from "./open_webui.ts";
import { SCENES } from "./scenes.ts";
import { type Result, tableOf, writeReport } from "./report.ts";
import { lackOf, openWorld, type Shape, type World } from "./world.ts";

/** Load before a fault, so that there is something to lose. */
const CALM_MS = 3_000;
/** Load after it, so that what it broke would show. */
const AFTER_MS = 4_000;

interface Scene {
  world: World;
  ledger: Ledger;
  load: Load;
  random: () => number;
}

async function suffer(fault: Fault, { world, ledger, load, random }: Scene): Promise<Result> {
  const { servers } = world;
  await pause(CALM_MS);
  const problems: string[] = [];
  const [prober] = load.people;
  if (!prober) throw new Error("There is nobody");
  const linesBefore = servers.map((server) => server.lines().length);
  let recoveredMs: number | undefined;
  let killed: number[];
  let leftMs: number | undefined;
  {
    await using watch = new ReadyWatch(world);
    const beganAtMs = performance.now();
    killed = await fault.inflict(world, ledger, random);
    const healedAt = performance.now();
    {
      await using probe = await Probe.open(prober, world);
      recoveredMs = await probe.whole(healedAt);
    }
    if (recoveredMs === undefined) problems.push("events do not go from each to each again");
    const wholeAtMs = healedAt + (recoveredMs ?? Infinity);
    for (const place of killed) {
      const dead = servers[place];
      if (!dead) continue;
      const gone = await untilGone(world, dead, healedAt);
      if (typeof gone === "string") problems.push(`of the dead instance: ${gone}`);
      else leftMs = gone;
      await world.replace(place);
      linesBefore[place] = 0;
    }
    await pause(AFTER_MS);
    problems.push(...judgeReadiness(fault, watch, world, killed, { beganAtMs, wholeAtMs }));
  }
  for (const [place, server] of servers.entries()) {
    const isFelt = !killed.includes(place) && (fault.felt?.(place) ?? true);
    const { said, mayLog } = fault;
    problems.push(
      ...judgeLog(server, place, linesBefore[place] ?? 0, { ...isFelt && { said }, mayLog }),
    );
  }
  const { found, excused } = await ledger.audit();
  const tally = load.take();
  problems.push(...found, ...tally.found);
  return {
    name: fault.name,
    recoveredMs,
    leftMs,
    acknowledged: ledger.size,
    excused,
    tally,
    problems,
  };
}

/** Faults that share a shape of Redis share its servers. */
async function round(faults: readonly Fault[], random: () => number): Promise<Result[]> {
  const results: Result[] = [];
  for (const shape of new Set<Shape>(faults.map((fault) => fault.shape))) {
    const lack = await lackOf(shape);
    if (lack !== undefined) {
      say(`not done, since ${lack}: ${faults.filter((f) => f.shape === shape).map((f) => f.name)}`);
      continue;
    }
    await using world = await openWorld(shape);
    const ledger = new Ledger();
    await using load = await Load.start(world, ledger, random);
    for (const fault of faults.filter((fault) => fault.shape === shape)) {
      const result = await suffer(fault, { world, ledger, load, random });
      results.push(result);
      report(result);
    }
    await load.finish();
    const { found, excused } = await ledger.audit();
    const last = load.take();
    const problems = [...found, ...last.found];
    const end: Result = {
      ...{ name: `${shape}: the end`, recoveredMs: undefined, leftMs: undefined },
      ...{ acknowledged: ledger.size, excused, tally: last, problems },
    };
    results.push(end);
    report(end);
  }
  return results;
}

function report({ name, problems }: Result): void {
  say(`${problems.length === 0 ? "ok    " : "FAILED"} ${name}`);
  for (const problem of problems.slice(0, 20)) say(`       ${problem}`);
}

const options = parseOptions(
  Deno.args,
  [...[...FAULTS, ...SCENES].map(({ name }) => name), ...OPEN_WEBUI_FAULTS],
);
if (!redisAvailable()) Deno.exit(1);
endOnSignals();
say(`seed ${options.seed}`);
const random = randomOf(options.seed);
const isChosen = ({ name }: { name: string }) =>
  options.only.length === 0 || options.only.includes(name);
const chosen = FAULTS.filter(isChosen);
const began = performance.now();
const results: Result[] = [];
while (chosen.length > 0) {
  results.push(...await round(chosen, random));
  // Another round is begun only when it will end in time.
  if ((performance.now() - began) * 2 >= options.minutes * 60_000) break;
}

/** Nothing, where no Open WebUI is installed: who asked for one of its faults by name gets a failure. */
async function roundOfOpenWebUi(): Promise<OpenWebUiResult[] | undefined> {
  const wanted = OPEN_WEBUI_FAULTS.filter((name) => options.only.includes(name));
  if (options.only.length > 0 && wanted.length === 0) return [];
  const installed = await openWebUiInstalled();
  if (installed === undefined) return wanted.length > 0 ? undefined : [];
  return await sufferOpenWebUi(installed, wanted);
}

for (const scene of SCENES.filter(isChosen)) {
  for (const result of await scene.play()) {
    results.push(result);
    report(result);
  }
}
const ofOpenWebUi = await roundOfOpenWebUi();
const tables = [
  ...results.length > 0 ? [tableOf(results)] : [],
  ...ofOpenWebUi && ofOpenWebUi.length > 0 ? [tableOfOpenWebUi(ofOpenWebUi)] : [],
].join("\n\n");
say(tables);
if (options.report !== undefined) await writeReport(options.report, tables, options.seed);
const all = [...results, ...ofOpenWebUi ?? []];
const isGood = ofOpenWebUi !== undefined && all.every(({ problems }) => problems.length === 0);
Deno.exit(isGood ? 0 : 1);
