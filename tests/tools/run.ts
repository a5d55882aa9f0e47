/**
 * Runs all tests: installs what they need where that is possible, passes deno's output on, and ends with the
 * plain line `N passed, N failed, N skipped`.
 */
import { kvConnectAvailable } from "../support/kv_connect_server.ts";
import { closingLine, FailedFiles, readSummary, type Summary } from "./summary.ts";

const TIME_LIMIT_MS = 8 * 60_000;
/** Files at once: tests wait more than they compute, so two cores take three. */
const JOBS = "3";
/** More than this is no matter of a busy machine. */
const MAX_AGAIN = 5;
const TOOLS = [
  { command: "redis-server", package: "redis-server" },
  { command: "chromium", package: "chromium" },
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
  for (const tool of TOOLS) if (!await run(tool.command, ["--version"])) missing.push(tool);
  if (missing.length === 0) return;
  const packages = missing.map((tool) => tool.package);
  const isInstalled = Deno.uid() === 0 && await run("apt-get", ["update", "-qq"]) &&
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages]);
  if (!isInstalled) {
    await say(`Not installed, so their tests are skipped: ${packages.join(", ")}\n`);
  }
}

await installTools();
// No package has it, so it isn't installed here; the tests that run side by side can't say so.
kvConnectAvailable();
// The pages, as the start task builds them: several tests ask for them at once.
if (!await run(Deno.execPath(), ["task", "build"])) {
  await say("The pages can't be built: their tests fail.\n");
}

interface Run {
  success: boolean;
  summary: Summary | undefined;
  /** The files in which something failed. */
  failedFiles: string[];
}

/** Runs `deno test`, passing its output on. */
async function runTests(args: string[]): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    // A timer, a socket or a body that a test leaves behind fails it: off by default.
    args: [
      "test",
      "--quiet",
      "--no-prompt",
      "-A",
      "--sanitize-ops",
      "--sanitize-resources",
      ...args,
    ],
    env: { NO_COLOR: "1", DENO_JOBS: Deno.env.get("DENO_JOBS") ?? JOBS },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(TIME_LIMIT_MS),
  }).spawn();
  const files = new FailedFiles();
  let tail = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    await say(chunk);
    files.read(chunk);
    // The summary is at the very end; the rest need not be kept.
    tail = (tail + chunk).slice(-4_000);
  }
  const { success } = await child.status;
  return { success, summary: readSummary(tail), failedFiles: files.list() };
}

const first = await runTests(["--parallel", ...Deno.args]);
let { success, summary } = first;
if (!success && summary && first.failedFiles.length > 0 && first.failedFiles.length <= MAX_AGAIN) {
  // Two cores that run a browser, Redis and real processes at once can be late for a limit in a test.
  // What fails is run once more by itself: a fault fails again, and both outcomes are told.
  await say(`\nFailed among the others, run again alone: ${first.failedFiles.join(", ")}\n`);
  const again = await runTests(first.failedFiles);
  if (again.success && again.summary) {
    await say(`Passed alone: ${summary.failed} tests that had failed among the others\n`);
    success = true;
    summary = { ...summary, passed: summary.passed + summary.failed, failed: 0 };
  }
}
if (summary === undefined) {
  await say("The tests ended without a summary.\n0 passed, 1 failed, 0 skipped\n");
  Deno.exit(1);
}
const failed = success ? summary.failed : Math.max(1, summary.failed);
await say(closingLine({ ...summary, failed }) + "\n");
Deno.exit(failed === 0 ? 0 : 1);
