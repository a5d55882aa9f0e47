/** Sets of real Redis servers: with Sentinel, and as a Cluster. */
import { HOST, RedisServer } from "./redis_server.ts";
import { until } from "./until.ts";

export { opensslAvailable, redisAvailable, RedisServer } from "./redis_server.ts";

const SERVICE = "mymaster";
const SLOTS = 16_384;

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
    await until(() => followed(master, replicas), { limitMs: 60_000, what: "the replicas" });
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
      limitMs: 60_000,
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
      limitMs: 60_000,
      what: "the nodes to meet",
      everyMs: 50,
    });
    await Promise.all(set.replicas.map(async (replica, i) => {
      const id = await masters[i]?.command("CLUSTER", "MYID") ?? "";
      await until(
        () => replica.command("CLUSTER", "REPLICATE", id).then((answer) => answer === "OK"),
        { limitMs: 60_000, what: "a replica to follow" },
      );
    }));
    await until(() => set.#settled(servers), {
      limitMs: 60_000,
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
