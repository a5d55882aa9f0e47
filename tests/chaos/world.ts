/** Three real server processes on a real Redis, behind a balancer, with a model provider. */
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { type StandInProvider, startModelProvider } from "../support/model_provider.ts";
import {
  type ClusterSet,
  redisAvailable,
  type RedisServer,
  type SentinelSet,
} from "../support/redis_servers.ts";
import { RoundRobin } from "../support/round_robin.ts";
import type { Env } from "../support/server.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { canSetClock, type SettableClock, settableClock } from "../support/settable_clock.ts";
import { startStoreServers, type StoreServers } from "../support/store_servers.ts";
import { canMount, type SmallDisk, smallDisk } from "../support/small_disk.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

/** `clock`: the first server's can be set. `disk`: one server on a file, on a disk that is small. */
export type Shape = "standalone" | "sentinel" | "cluster" | "clock" | "disk";

export const SESSION_TIMEOUT_S = 8;
const SERVERS = 3;
/** The store, its reserve, and what is written in a round. */
const DISK_MB = 64;
/** One that has none, is a text of so many tokens: the prompt says how many. */
const TOKEN_MS = 12;

export interface World extends AsyncDisposable {
  readonly shape: Shape;
  readonly provider: StandInProvider;
  readonly servers: ServerProcess[];
  /** Those that were killed, in the order of their deaths. */
  readonly dead: ServerProcess[];
  /** Instances that were cut off for longer than their lease: others may have taken them for dead. */
  readonly cutOff: Set<string>;
  /** Where clients connect. */
  readonly url: string;
  readonly redis: RedisServer | undefined;
  /** The way of the first server to its Redis, where that is one server. */
  readonly proxy: TcpProxy | undefined;
  readonly sentinel: SentinelSet | undefined;
  readonly cluster: ClusterSet | undefined;
  readonly disk: SmallDisk | undefined;
  /** Of the first server; `undefined` where it can't be set. */
  readonly clock: SettableClock | undefined;
  /** The same Redis, seen past all faults but its own. */
  readonly store: StateStore | undefined;
  /** Starts a server in the place of one that has died. */
  replace(place: number): Promise<void>;
}

/** The tokens of the answer to a prompt `name:count`. */
export function tokensOf(prompt: string): string[] {
  const [name = "", count = "0"] = prompt.split(":");
  return Array.from({ length: Number(count) }, (_, i) => `${name}.${i}·é `);
}

export async function openWorld(shape: Shape): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(startModelProvider());
  provider.script = ({ messages }) => {
    const [{ content = "" } = {}] = messages as { content?: string }[];
    return { tokens: tokensOf(content), paceMs: TOKEN_MS };
  };
  const disk = shape === "disk" ? stack.use(await smallDisk(DISK_MB)) : undefined;
  const shared = shape === "disk"
    ? { env: { DENO_KV_PATH: `${disk?.path}/server.kv` } }
    : stack.use(await startStoreServers(MODES[shape], ["--appendonly", "yes"]));
  const { redis, sentinel, cluster } = shared as Partial<StoreServers>;
  const clock = shape === "clock" ? await settableClock() : undefined;
  if (clock) stack.use(clock);
  const proxy = redis && stack.use(new TcpProxy(redis.port));
  const env: Env = {
    ...shared.env as Env,
    OPENAI_API_BASE_URL: provider.baseUrl,
    SESSION_TIMEOUT: String(SESSION_TIMEOUT_S),
    WEBSOCKET_HEARTBEAT_INTERVAL: "1",
    WEBSOCKET_EVENT_CALLER_TIMEOUT: "20",
  };
  const ports: number[] = [];
  const servers: ServerProcess[] = [];
  const dead: ServerProcess[] = [];
  stack.defer(async () => {
    for (const server of [...servers, ...dead]) await server[Symbol.asyncDispose]();
  });
  const start = async (place: number) => {
    const behind: Env = proxy && place === 0 ? { WEBSOCKET_REDIS_URL: viaProxy(proxy) } : {};
    const wrapper = place === 0 ? clock?.wrapper ?? [] : [];
    const server = await startServerProcess({ ...env, ...behind }, undefined, { wrapper });
    servers[place] = server;
    ports[place] = Number(new URL(server.url).port);
  };
  for (let place = 0; place < (disk ? 1 : SERVERS); place++) await start(place);
  const balancer = stack.use(new RoundRobin(ports));
  const { WEBSOCKET_REDIS_URL: redisUrl } = env;
  const store = redisUrl === undefined ? undefined : stack.use(
    await openRedisStore({
      ...{ url: redisUrl, logger, cluster: cluster !== undefined },
      ...(sentinel && { sentinelHosts: sentinel.hosts }),
    }),
  );
  const all = stack.move();
  const world: World = {
    ...{
      shape,
      provider,
      servers,
      dead,
      cutOff: new Set(),
      redis,
      proxy,
      sentinel,
      cluster,
      disk,
      clock,
      store,
    },
    url: balancer.url,
    async replace(place) {
      const gone = servers[place];
      if (gone) dead.push(gone);
      await start(place);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
  await until(() => allReady(servers), { what: "all servers to be ready", limitMs: 20_000 });
  return world;
}

const MODES = {
  standalone: "redis",
  clock: "redis",
  sentinel: "sentinel",
  cluster: "cluster",
} as const;

/** Why a world of this shape can't be had here; `undefined`: it can. */
export async function lackOf(shape: Shape): Promise<string | undefined> {
  if (shape === "disk") return await canMount() ? undefined : "no small disk can be mounted";
  if (shape === "clock" && !canSetClock()) return "libfaketime is not installed";
  return redisAvailable() ? undefined : "redis-server is not installed";
}

const viaProxy = ({ port }: TcpProxy) => `redis://127.0.0.1:${port}/0`;

export async function allReady(servers: readonly ServerProcess[]): Promise<boolean> {
  return (await Promise.all(servers.map(({ url }) => isReady(url)))).every((ready) => ready);
}

/** Whether `/ready` says 200 within its own limits. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
