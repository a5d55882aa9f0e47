/** One real Redis server on a free port, in a directory of its own. */
import { endsWithTask } from "./ending.ts";
import { until } from "./until.ts";

export const HOST = "127.0.0.1";

function installed(command: string): boolean {
  try {
    return new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

let available: boolean | undefined;

/** Whether `redis-server` is there; says so once when it is not. */
export function redisAvailable(): boolean {
  if (available === undefined) {
    available = installed("redis-server");
    if (!available) {
      Deno.stderr.writeSync(
        new TextEncoder().encode("Redis tests are ignored: redis-server is not installed.\n"),
      );
    }
  }
  return available;
}

export function opensslAvailable(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** A port that was free a moment ago; with `span`, the port that far above it as well. */
function freePort(span = 0): number {
  for (;;) {
    using first = Deno.listen({ hostname: HOST, port: 0 });
    const { port } = first.addr;
    if (span === 0) return port;
    if (port + span > 65_535) continue;
    try {
      using _second = Deno.listen({ hostname: HOST, port: port + span });
      return port;
    } catch {
      continue;
    }
  }
}

/** One request over a connection of its own, in the plain protocol; throws what Redis refuses. */
async function ask(port: number, auth: string[] | undefined, args: string[]): Promise<string> {
  const redisCli = new Deno.Command("redis-cli", {
    args: ["-h", HOST, "-p", String(port), "-e", ...(auth ?? []), ...args],
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await redisCli.output();
  const text = new TextDecoder().decode(stdout).trimEnd();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim() || text);
  return text;
}

/** Starts that share a port by bad luck are tried again. */
const MAX_STARTS = 3;

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #args: string[];
  readonly #cli: string[];
  #process: Deno.ChildProcess | undefined;
  readonly #forget: () => void;
  #paused = false;

  private constructor(port: number, directory: string, args: string[], cli: string[]) {
    this.port = port;
    this.#directory = directory;
    this.#args = args;
    this.#cli = cli;
    this.#forget = endsWithTask(() => this[Symbol.asyncDispose]());
  }

  /** @param cli what `redis-cli` needs to be let in. */
  static async start(
    args: string[] = [],
    { cli = [], mode = "server", portSpan = 0 }: {
      cli?: string[];
      mode?: "server" | "sentinel";
      portSpan?: number;
    } = {},
  ): Promise<RedisServer> {
    for (let attempt = 1;; attempt++) {
      const port = freePort(portSpan);
      const directory = await Deno.makeTempDir({ prefix: "redis-" });
      const full = mode === "sentinel"
        ? await sentinelArguments(directory, port, args)
        : ["--port", String(port), "--dir", directory, ...SERVER_DEFAULTS, ...args];
      const server = new RedisServer(port, directory, full, cli);
      try {
        await server.restart();
        return server;
      } catch (error) {
        await server[Symbol.asyncDispose]();
        if (attempt === MAX_STARTS) throw error;
      }
    }
  }

  get url(): string {
    return `redis://${HOST}:${this.port}/0`;
  }

  /** Sends a command through `redis-cli` and returns what it prints. */
  command(...args: string[]): Promise<string> {
    return ask(this.port, this.#cli, args);
  }

  /** One field of `INFO`. */
  async info(field: string): Promise<string> {
    const found = new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(await this.command("INFO"));
    return found?.[1] ?? "";
  }

  /** Stands still, connections and all, until `resume`. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
    this.#paused = true;
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
    this.#paused = false;
  }

  /** Ends every subscription's connection. */
  async cutPubSub(): Promise<void> {
    await this.command("CLIENT", "KILL", "TYPE", "pubsub");
  }

  /** Ends, when it is called, the subscriptions' connections that there are now. */
  async pubSubCut(): Promise<() => Promise<void>> {
    const clients = await this.command("CLIENT", "LIST", "TYPE", "pubsub");
    const ids = [...clients.matchAll(/^id=(\d+) /gm)].map(([, id = ""]) => id);
    return async () => {
      for (const id of ids) await this.command("CLIENT", "KILL", "ID", id);
    };
  }

  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.kill("SIGKILL");
    await process.status;
  }

  /** Starts the server (again), on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    const process = new Deno.Command("redis-server", {
      args: this.#args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#process = process;
    let ended = false;
    const status = process.status.then(() => void (ended = true));
    await until(async () => ended || await accepts(this.port), {
      limitMs: 60_000,
      what: "redis-server to listen",
    });
    if (!ended) return;
    await status;
    this.#process = undefined;
    throw new Error(`redis-server on port ${this.port} ended at once`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#paused) this.resume();
    await this.kill();
    await Deno.remove(this.#directory, { recursive: true });
    this.#forget();
  }
}

const SERVER_DEFAULTS = [
  "--bind",
  HOST,
  "--save",
  "",
  "--appendonly",
  "no",
  "--loglevel",
  "warning",
  // A replica is served at once, not after the five seconds in which more could come.
  "--repl-diskless-sync-delay",
  "0",
];

async function sentinelArguments(
  directory: string,
  port: number,
  lines: string[],
): Promise<string[]> {
  const file = `${directory}/sentinel.conf`;
  await Deno.writeTextFile(
    file,
    [`port ${port}`, `bind ${HOST}`, `dir ${directory}`, ...lines, ""].join("\n"),
  );
  return [file, "--sentinel"];
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: HOST, port })).close();
    return true;
  } catch {
    return false;
  }
}
