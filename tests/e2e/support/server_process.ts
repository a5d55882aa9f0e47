/** A server as it really runs: a process of its own, which can be killed. */
import type { Env } from "../../support/server.ts";
import { until } from "../../support/until.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

export interface ServerProcess extends AsyncDisposable {
  url: string;
  /** What it has written to standard error. */
  log(): string;
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT"): void;
  status: Promise<Deno.CommandStatus>;
}

/** The process alone, which may end at once. */
export function spawnServer(
  env: Env,
): { child: Deno.ChildProcess; log(): string; read: Promise<void> } {
  const child = new Deno.Command(Deno.execPath(), {
    // The permissions of `deno task start`, and the folder of the test's own database.
    args: ["run", "--quiet", "--no-prompt", "-P=start", "--allow-read", "--allow-write", "main.ts"],
    cwd: ROOT,
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      WEBUI_SECRET_KEY: "a-key-for-tests-only",
      DEFAULT_USER_ROLE: "user",
      SIGNIN_RATE_LIMIT: "1000",
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
export async function startProcess(env: Env): Promise<ServerProcess> {
  const { child, log, read } = spawnServer(env);
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
  };
  try {
    const [, url = ""] = await until(() => {
      if (isOver) throw new Error(`the server ended at once: ${log()}`);
      return /listening on (http:\/\/[\d.:]+)/.exec(log());
    }, { limitMs: 20_000, what: "the server process", everyMs: 20 });
    return { url, log, kill, status, [Symbol.asyncDispose]: end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

/** A folder for a database, gone after the test. */
export async function tempFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "e2e-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
