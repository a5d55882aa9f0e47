/**
 * This project's sockets before a real Open WebUI: installs the newest one (or `--version=`), starts it
 * on SQLite and on Postgres with two processes and Redis, puts a proxy in front, and goes through what
 * must work. Prints a report in Markdown; ends with 1 when something does not work.
 *
 * `--load=people` measures what forty people cost instead, `--load=crowd` what thousands of tabs do:
 * once before Python alone, once before this project, one process of each; with `--baseline` or `--ours`
 * only one of them; `--tabs=1000` is a smaller crowd than the 5,000 that it is by default.
 *
 * Without Chromium what needs it is left out, and the report says so.
 *
 * `--baseline` leaves the sockets with Python: whether the checks say the truth. `--database=sqlite` or
 * `postgres` takes one; `--only=text` takes the checks whose names have the text.
 */
import { findChromium } from "../../support/browser.ts";
import { endOnSignals } from "../../support/ending.ts";
import { postgresAvailable } from "../../support/postgres_server.ts";
import { say } from "../../support/say.ts";
import { accessChecks } from "./checks/access.ts";
import { beyondChecks } from "./checks/beyond.ts";
import { channelChecks } from "./checks/channels.ts";
import { chatChecks } from "./checks/chats.ts";
import type { Check } from "./checks/check.ts";
import { noteChecks } from "./checks/notes.ts";
import { pageChecks } from "./checks/pages.ts";
import { type Installed, installOpenWebui } from "./install.ts";
import type { Figure, Tell } from "./load/costs.ts";
import { measureCrowd } from "./load/crowd.ts";
import { measurePeople } from "./load/people.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

const CHECKS: Check[] = [
  ...chatChecks,
  ...noteChecks,
  ...channelChecks,
  ...accessChecks,
  ...beyondChecks,
  ...pageChecks,
];

interface Row {
  name: string;
  works: boolean;
  seen: string;
}

const option = (name: string) =>
  Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const hasChromium = findChromium() !== undefined;
const isBaseline = Deno.args.includes("--baseline");

async function runCheck(world: World, { name, run }: Check): Promise<Row> {
  try {
    const seen = await run(world);
    say(`works: ${name} (${seen})`);
    return { name, works: true, seen };
  } catch (thrown) {
    const seen = thrown instanceof Error ? thrown.message : String(thrown);
    say(`FAILS: ${name}: ${seen}`);
    return { name, works: false, seen: seen.split("\n")[0] ?? "" };
  }
}

async function runAll(installed: Installed, database: WorldOptions["database"]): Promise<Row[]> {
  const only = option("only") ?? "";
  const checks = CHECKS.filter(({ name, isBeyond, isInBrowser }) =>
    name.includes(only) && !(isBaseline && isBeyond) && (hasChromium || !isInBrowser)
  );
  await using world = await openWorld(installed, {
    ...{ database, isBaseline, workers: 2, instances: 2 },
  });
  const rows: Row[] = [];
  for (const check of checks) rows.push(await runCheck(world, check));
  if (Deno.args.includes("--logs")) {
    for (const process of [...world.python, ...world.ours]) {
      say(process.log().slice(-20_000));
    }
  }
  return rows;
}

/** Whether Python has the sockets, for each run of a load. */
const SIDES = isBaseline ? [true] : Deno.args.includes("--ours") ? [false] : [true, false];
const TABS = Number(option("tabs") ?? 5_000);
const LOADS = {
  people: measurePeople,
  crowd: (world: World, tell: Tell) => measureCrowd(world, tell, TABS),
};

/** Both in one run, with the same clients on the same machine. */
async function compareLoads(installed: Installed, load: keyof typeof LOADS): Promise<void> {
  const taken: Figure[][] = [];
  for (const isBaseline of SIDES) {
    say(isBaseline ? "Python alone" : "this project's sockets");
    await using world = await openWorld(installed, {
      ...{ database: "postgres", isBaseline, workers: 1, instances: 1, isRedisFar: true },
      // All tabs are of one address here.
      env: { MAX_CONNECTIONS: "20000", MAX_CONNECTIONS_PER_ADDRESS: "20000" },
    });
    const figures: Figure[] = [];
    await LOADS[load](world, (...more) => {
      figures.push(...more);
      for (const { what, value } of more) say(`${what}: ${value}`);
    });
    taken.push(figures);
  }
  const alone = taken[SIDES.indexOf(true)] ?? [];
  const ours = taken[SIDES.indexOf(false)] ?? [];
  print(
    `\n| ${installed.version}, ${load} | Python alone | with this project |\n| --- | --- | --- |`,
  );
  const valueIn = (side: Figure[], what: string) => side.find((one) => one.what === what)?.value;
  for (const what of new Set([...alone, ...ours].map((figure) => figure.what))) {
    print(`| ${what} | ${valueIn(alone, what) ?? ""} | ${valueIn(ours, what) ?? ""} |`);
  }
}

/** The report alone goes to standard output. */
function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ").slice(0, 160);

endOnSignals();
const installed = await installOpenWebui(option("version"));
const given = option("database");
const databases = given === "sqlite" || given === "postgres"
  ? [given] as const
  : ["sqlite", "postgres"] as const;
const load = option("load");
if (load === "people" || load === "crowd") {
  await compareLoads(installed, load);
  Deno.exit(0);
}
const results = new Map<string, Row[]>();
for (const database of databases) {
  if (database === "postgres" && !postgresAvailable()) continue;
  say(`Open WebUI ${installed.version} on ${database}`);
  results.set(database, await runAll(installed, database));
}

const sockets = isBaseline ? "Python's own sockets" : "this project's sockets";
print(`\n## Open WebUI ${installed.version}, ${sockets}, two processes of each\n`);
const names = [...results.keys()];
if (!hasChromium) print("There is no Chromium here: Open WebUI's own pages were not tried.\n");
print(`| what | ${names.join(" | ")} | seen |\n| --- |${" --- |".repeat(names.length + 1)}`);
const [first = []] = results.values();
for (const [at, { name, seen }] of first.entries()) {
  const marks = names.map((database) => results.get(database)?.[at]?.works ? "yes" : "**no**");
  print(`| ${name} | ${marks.join(" | ")} | ${cell(seen)} |`);
}
const failed = [...results.values()].flat().filter(({ works }) => !works);
Deno.exit(failed.length === 0 ? 0 : 1);
