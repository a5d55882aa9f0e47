/** A server as it really runs: a process of its own, which can be killed. */
import { endsWithTask } from "./ending.ts";
import type { Env } from "./server.ts";
import { until } from "./until.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** The name under which other instances know it. */
  readonly instanceId: string;
  readonly status: Promise<Deno.CommandStatus>;
  /** Whether the process has ended. */
  readonly isOver: boolean;
  /** What it has logged, parsed. */
  lines(): LogLine[];
  /** What it has written to standard error. */
  log(): string;
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT" | "SIGSTOP" | "SIGCONT"): void;
}

export interface LogLine {
  time: string;
  level: string;
  message: string;
  error?: string;
}

const LISTENING = /listening on (http:\/\/[\w.:/-]+)","instance":"([^"]+)"/;

/** Of glibc's allocator, as `deno task start` has them. */
export const START_ENV: Env = {
  MALLOC_MMAP_THRESHOLD_: "1048576",
  MALLOC_TRIM_THRESHOLD_: "33554432",
};

/** A process alone, which may end at once. */
export interface SpawnedServer {
  child: Deno.ChildProcess;
  /** What it has written to standard error. */
  log(): string;
  /** Resolves when that has been read to its end. */
  read: Promise<void>;
}

/** As `deno task start` has it, and the folder of the test's own database. */
const START_FLAGS = [
  "--quiet",
  "--no-prompt",
  "--v8-flags=--min-semi-space-size=16",
  "-P=start",
  "--allow-read",
  "--allow-write",
];

export interface SpawnOptions {
  /** The limit of open files, as of `ulimit -n`. Default: this process' own. */
  maxOpenFiles?: number;
  /** A command that runs what follows it, as `env NAME=value` does. Default: none. */
  wrapper?: readonly string[];
  /** What the program itself is given. Default: nothing. */
  args?: readonly string[];
}

/** Spawns a server. */
export function spawnServer(
  env: Env,
  flags: readonly string[] = START_FLAGS,
  { maxOpenFiles, wrapper = [], args = [] }: SpawnOptions = {},
): SpawnedServer {
  const limited = ["-c", `ulimit -n ${maxOpenFiles}; exec "$0" "$@"`, Deno.execPath()];
  const program = maxOpenFiles === undefined ? [Deno.execPath()] : ["sh", ...limited];
  const [command = "", ...before] = [...wrapper, ...program];
  const child = new Deno.Command(command, {
    args: [...before, "run", ...flags, "main.ts", ...args],
    cwd: ROOT,
    env: {
      ...START_ENV,
      HOST: "127.0.0.1",
      PORT: "0",
      WEBUI_SECRET_KEY: "a-key-for-tests-only",
      DEFAULT_USER_ROLE: "user",
      SIGNIN_RATE_LIMIT: "1000",
      LOG_FORMAT: "json",
      ...env,
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let text = "";
  const read = (async () => {
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) text += piece;
  })();
  return { child, log: () => text, read };
}

/** Starts a server and waits until it listens. */
export async function startServerProcess(
  env: Env,
  flags?: readonly string[],
  options?: SpawnOptions,
): Promise<ServerProcess> {
  const { child, log, read } = spawnServer(env, flags, options);
  let isOver = false;
  const status = child.status.finally(() => isOver = true);
  const kill: ServerProcess["kill"] = (signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
  };
  const end = async () => {
    if (!isOver) kill("SIGKILL");
    await status;
    await read;
    forget();
  };
  const forget = endsWithTask(end);
  try {
    const [, url = "", instanceId = ""] = await until(() => {
      if (isOver) throw new Error(`the server ended at once: ${log()}`);
      return LISTENING.exec(log());
    }, { limitMs: 30_000, what: "the server process", everyMs: 20 });
    return {
      url,
      pid: child.pid,
      instanceId,
      status,
      get isOver() {
        return isOver;
      },
      lines: () => parseLines(log()),
      log,
      kill,
      [Symbol.asyncDispose]: end,
    };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

/** The log's lines; what is no JSON, as a crash prints it, counts as an error. */
function parseLines(text: string): LogLine[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    try {
      return JSON.parse(line) as LogLine;
    } catch {
      return { time: "", level: "error", message: line };
    }
  });
}
