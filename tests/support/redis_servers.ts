/** Real Redis servers on free ports, in directories of their own. */
import { until } from "./until.ts";

const HOST = "127.0.0.1";
const SERVICE = "mymaster";
const SLOTS = 16_384;

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

export type Reply = string | number | null | Reply[];

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
const MOST_STARTS = 3;

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #args: string[];
  readonly #cli: string[];
  #process: Deno.ChildProcess | undefined;
  #paused = false;

  private constructor(port: number, directory: string, args: string[], cli: string[]) {
    this.port = port;
    this.#directory = directory;
    this.#args = args;
    this.#cli = cli;
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
        if (attempt === MOST_STARTS) throw error;
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
    await until(async () => ended || await accepts(this.port), { what: "redis-server to listen" });
    if (!ended) return;
    await status;
    this.#process = undefined;
    throw new Error(`redis-server on port ${this.port} ended at once`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#paused) this.resume();
    await this.kill();
    await Deno.remove(this.#directory, { recursive: true });
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

/** Whether the replicas hold what the master holds. */
async function followed(master: RedisServer, replicas: RedisServer[]): Promise<boolean> {
  if (await master.info("connected_slaves") !== String(replicas.length)) return false;
  const links = await Promise.all(replicas.map((replica) => replica.info("master_link_status")));
  return links.every((status) => status === "up");
}

async function disposeAll(servers: RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
}

/** One master, two replicas, three sentinels that lose patience quickly. */
export class SentinelSet implements AsyncDisposable {
  readonly url = `redis://${SERVICE}/0`;

  private constructor(
    readonly servers: readonly RedisServer[],
    readonly sentinels: readonly RedisServer[],
  ) {}

  static async start(): Promise<SentinelSet> {
    const master = await RedisServer.start();
    const replicaOf = ["--replicaof", HOST, String(master.port)];
    const replicas = await Promise.all([
      RedisServer.start(replicaOf),
      RedisServer.start(replicaOf),
    ]);
    // Sentinels ask the master for its replicas when they start, and then not for a while.
    await until(() => followed(master, replicas), { limitMs: 10_000, what: "the replicas" });
    const lines = [
      `sentinel monitor ${SERVICE} ${HOST} ${master.port} 2`,
      `sentinel down-after-milliseconds ${SERVICE} 500`,
      `sentinel failover-timeout ${SERVICE} 3000`,
      `sentinel parallel-syncs ${SERVICE} 2`,
    ];
    const sentinels = await Promise.all(
      [1, 2, 3].map(() => RedisServer.start(lines, { mode: "sentinel" })),
    );
    const set = new SentinelSet([master, ...replicas], sentinels);
    await until(() => set.#settled(), {
      limitMs: 20_000,
      what: "the sentinels to agree",
      everyMs: 50,
    });
    return set;
  }

  get hosts(): string[] {
    return this.sentinels.map(({ port }) => `${HOST}:${port}`);
  }

  async master(): Promise<RedisServer> {
    const [sentinel] = this.sentinels;
    const answer = await sentinel?.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE) ?? "";
    const port = Number(answer.split("\n")[1]);
    const master = this.servers.find((server) => server.port === port);
    if (master === undefined) throw new Error(`No server on port ${port}`);
    return master;
  }

  async #settled(): Promise<boolean> {
    const views = await Promise.all(
      this.sentinels.map((sentinel) => sentinel.command("INFO", "sentinel")),
    );
    return views.every((view) => view.includes("slaves=2,sentinels=3"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll([...this.sentinels, ...this.servers]);
  }
}

/** Three masters, each with a replica if asked for. */
export class ClusterSet implements AsyncDisposable {
  private constructor(
    readonly masters: readonly RedisServer[],
    readonly replicas: readonly RedisServer[],
  ) {}

  get url(): string {
    return this.masters[0]?.url ?? "";
  }

  static async start({ replicas = false } = {}): Promise<ClusterSet> {
    const args = [
      "--cluster-enabled",
      "yes",
      "--cluster-node-timeout",
      "1000",
    ];
    const start = () => RedisServer.start(args, { portSpan: 10_000 });
    const servers = await Promise.all(
      Array.from({ length: replicas ? 6 : 3 }, () => start()),
    );
    const masters = servers.slice(0, 3);
    const set = new ClusterSet(masters, servers.slice(3));
    await Promise.all(masters.map((master, i) => {
      const first = Math.ceil(SLOTS / 3 * i);
      const last = Math.ceil(SLOTS / 3 * (i + 1)) - 1;
      return master.command("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
    }));
    await Promise.all(
      servers.map((server, i) => server.command("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1))),
    );
    const [first] = masters;
    for (const server of servers.slice(1)) {
      await first?.command("CLUSTER", "MEET", HOST, String(server.port));
    }
    await until(() => set.#knowEachOther(servers), {
      limitMs: 20_000,
      what: "the nodes to meet",
      everyMs: 50,
    });
    await Promise.all(set.replicas.map(async (replica, i) => {
      const id = await masters[i]?.command("CLUSTER", "MYID") ?? "";
      await until(
        () => replica.command("CLUSTER", "REPLICATE", id).then((answer) => answer === "OK"),
        { what: "a replica to follow" },
      );
    }));
    await until(() => set.#settled(servers), {
      limitMs: 20_000,
      what: "the cluster to stand",
      everyMs: 50,
    });
    return set;
  }

  async #knowEachOther(servers: RedisServer[]): Promise<boolean> {
    const known = await Promise.all(servers.map((server) => server.command("CLUSTER", "INFO")));
    return known.every((info) => info.includes(`cluster_known_nodes:${servers.length}`));
  }

  async #settled(servers: RedisServer[]): Promise<boolean> {
    const states = await Promise.all(servers.map((server) => server.command("CLUSTER", "INFO")));
    if (!states.every((info) => info.includes("cluster_state:ok"))) return false;
    const links = await Promise.all(
      this.replicas.map((replica) => replica.info("master_link_status")),
    );
    return links.every((status) => status === "up");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll([...this.masters, ...this.replicas]);
  }
}
