/**
 * Runs all tests: installs what they need where that is possible, passes deno's output on, says what took
 * longest, and ends with the plain line `N passed, N failed, N skipped`. A test that fails once fails the run.
 * Only `--retry-failed`, for a machine that is shared with others, gives the files of what failed one more try,
 * and lists them as flaky. Other arguments go to `deno test`.
 *
 * Types are not checked again here: `deno check` does that, before the tests in `deno task ok` and in CI.
 */
import { TextLineStream } from "../bench/measure/text_line_stream.ts";
import { kvConnectAvailable } from "../support/kv_connect_server.ts";
import { postgresAvailable } from "../support/postgres_server.ts";
import { PAGES_ARE_BUILT } from "../support/pages.ts";
import { FileGroups } from "./file_groups.ts";
import { FileTimes, timeTable } from "./file_times.ts";
import { conclude, FailedFiles, readSummary, type Run } from "./summary.ts";

/** A run that is ended here has failed, whatever has passed: thrice what it takes on two free cores. */
const TIME_LIMIT_MS = 25 * 60_000;
/** Files at once: tests wait as much as they compute, so two cores take four. */
const JOBS = "4";
/** What takes longest begins first, so that nothing long is left alone at the end. */
const LONGEST = ["tests/client_package", "tests/web"];
/** Long walks through the pages: `deno task pages` runs them, so that all else stays a matter of minutes. */
const PAGES = [
  ...["browser_speed", "channels", "conversation", "editors", "live", "note_page", "own_model"],
  ...["persons", "python", "sidebar", "walk"],
].map((name) => `tests/web/${name}_test.ts`);
const SLOWEST_SHOWN = 10;
const TIME_LIMIT_MODULE = new URL("time_limit.ts", import.meta.url).href;
const TOOLS = [
  { package: "redis-server", isThere: () => run("redis-server", ["--version"]) },
  { package: "chromium", isThere: () => run("chromium", ["--version"]) },
  // Debian keeps its programs off the path.
  { package: "postgresql", isThere: () => Promise.resolve(postgresAvailable()) },
];

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(150_000),
    }).output();
    return success;
  } catch {
    return false;
  }
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}

async function installTools(): Promise<void> {
  const missing = [];
  for (const tool of TOOLS) if (!await tool.isThere()) missing.push(tool);
  if (missing.length === 0) return;
  const packages = missing.map((tool) => tool.package);
  const isInstalled = Deno.uid() === 0 && await run("apt-get", ["update", "-qq"]) &&
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages]);
  if (!isInstalled) {
    await say(`Not installed, so their tests are skipped: ${packages.join(", ")}\n`);
  }
}

const isRetrying = Deno.args.includes("--retry-failed");
const args = Deno.args.filter((arg) => arg !== "--retry-failed");

const startedAtMs = performance.now();
await installTools();
// No package has it, so it isn't installed here; the tests that run side by side can't say so.
kvConnectAvailable();
// The pages, as the start task builds them: several tests ask for them at once.
const arePagesBuilt = await run(Deno.execPath(), ["task", "build"]);
if (!arePagesBuilt) {
  await say("The pages can't be built: their tests fail.\n");
}

/** Files under the folder; none where it is not there. */
async function testsUnder(folder: string): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) files.push(...await testsUnder(path));
      else if (/_test\.tsx?$/.test(name)) files.push(path);
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  return files.sort();
}

/** All tests but the long walks, by name: Deno ignores no file of a folder beside files that are named. */
async function everything(): Promise<string[]> {
  const all = (await testsUnder("tests")).filter((file) => !PAGES.includes(file));
  const isLong = (file: string) => LONGEST.some((folder) => file.startsWith(`${folder}/`));
  return [...all.filter(isLong), ...all.filter((file) => !isLong(file))];
}

const times = new FileTimes();

/** Runs `deno test`, passing its output on, each line as it is made by `shown`. */
async function runTests(
  args: readonly string[],
  jobs: string,
  shown = (line: string) => line,
): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    // A timer, a socket or a body that a test leaves behind fails it: off by default.
    args: [
      "test",
      "--quiet",
      "--no-check",
      "--no-prompt",
      "-A",
      "--parallel",
      "--sanitize-ops",
      "--sanitize-resources",
      "--preload",
      TIME_LIMIT_MODULE,
      ...args,
    ],
    env: { NO_COLOR: "1", DENO_JOBS: jobs, ...(arePagesBuilt && { [PAGES_ARE_BUILT]: "1" }) },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(TIME_LIMIT_MS),
  }).spawn();
  const files = new FailedFiles();
  let tail = "";
  const output = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TextLineStream(),
  );
  for await (const line of output) {
    const chunk = `${shown(line)}\n`;
    await say(chunk);
    files.read(chunk);
    times.read(chunk);
    // The summary is at the very end; the rest need not be kept.
    tail = (tail + chunk).slice(-4_000);
  }
  const { success } = await child.status;
  return { success, summary: readSummary(tail), failedFiles: files.list() };
}

const isNamed = args.some((arg) => !arg.startsWith("-"));
const folder = await Deno.makeTempDir({ prefix: "test-groups-" });
const groups = new FileGroups(isNamed ? [] : await everything(), folder);
const first = await runTests(
  [...args, ...await groups.write()],
  Deno.env.get("DENO_JOBS") ?? JOBS,
  (line) => groups.unfold(line),
);
await Deno.remove(folder, { recursive: true });
const mayRetry = isRetrying && !first.success && first.failedFiles.length > 0;
const again = mayRetry ? await runTests(first.failedFiles, "1") : undefined;
const { lines, passed } = conclude(first, again);
const table = timeTable(performance.now() - startedAtMs, times.slowest(SLOWEST_SHOWN));
await say([...table, ...lines].join("\n") + "\n");
Deno.exit(passed ? 0 : 1);
