/** Several servers on one store, in each shape that the store can have. */
import type { App } from "../../lib/app.ts";
import type { Logger } from "../../lib/common/logger.ts";
import { kvConnectAvailable, KvConnectServer } from "./kv_connect_server.ts";
import { type StandInProvider, startModelProvider } from "./model_provider.ts";
import { ClusterSet, redisAvailable, RedisServer, SentinelSet } from "./redis_servers.ts";
import { type Env, startServer } from "./server.ts";
import { until } from "./until.ts";

export { personAt as at } from "./server.ts";

export type Mode = "redis" | "kv" | "kvconnect" | "sentinel" | "cluster";

export interface Instances extends AsyncDisposable {
  /** What makes a server one of these. */
  readonly env: Env;
  readonly provider: StandInProvider;
  readonly apps: readonly App[];
  readonly a: App;
  readonly b: App;
  /** With one Redis server, that one. */
  readonly redis: RedisServer | undefined;
  readonly sentinel: SentinelSet | undefined;
  readonly cluster: ClusterSet | undefined;
  readonly kvConnect: KvConnectServer | undefined;
  /** Ends one of the servers before the others. */
  stop(app: App): Promise<void>;
}

export interface InstancesOptions {
  /** In-process servers. Default: 2. */
  servers?: number;
  env?: Env;
  redisArgs?: string[];
  logger?: Logger;
}

/** Starts a store, a model provider and servers that know each other. */
export async function openInstances(
  mode: Mode,
  options: InstancesOptions = {},
): Promise<Instances> {
  const { servers = 2, redisArgs = [], logger } = options;
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(startModelProvider());
  const redis = mode === "redis" ? stack.use(await RedisServer.start(redisArgs)) : undefined;
  const sentinel = mode === "sentinel" ? stack.use(await SentinelSet.start()) : undefined;
  const cluster = mode === "cluster"
    ? stack.use(await ClusterSet.start({ replicas: true }))
    : undefined;
  const kvConnect = mode === "kvconnect" ? stack.use(await KvConnectServer.start()) : undefined;
  const env: Env = { OPENAI_API_BASE_URL: provider.baseUrl, ...options.env };
  const url = redis?.url ?? sentinel?.url ?? cluster?.url;
  if (kvConnect !== undefined) {
    env.DENO_KV_PATH = kvConnect.url;
  } else if (url === undefined) {
    const folder = await Deno.makeTempDir({ prefix: "instances-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    env.DENO_KV_PATH = `${folder}/shared.kv`;
  } else {
    env.WEBSOCKET_MANAGER = "redis";
    env.WEBSOCKET_REDIS_URL = url;
    if (cluster) env.WEBSOCKET_REDIS_CLUSTER = "true";
    if (sentinel) env.WEBSOCKET_SENTINEL_HOSTS = sentinel.hosts.join(",");
  }
  const apps: App[] = [];
  for (let i = 0; i < servers; i++) apps.push(stack.use(await startServer(env, logger)));
  await until(() => knowEachOther(apps), { what: "the instances to meet", limitMs: 10_000 });
  const [first, second = first] = apps;
  const all = stack.move();
  return {
    ...{ env, provider, apps, redis, sentinel, cluster, kvConnect },
    get a() {
      return present(first);
    },
    get b() {
      return present(second);
    },
    stop: (app) => app.stop(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function present(app: App | undefined): App {
  if (!app) throw new Error("There is no such server");
  return app;
}

async function knowEachOther(apps: readonly App[]): Promise<boolean> {
  const counts = await Promise.all(
    apps.map(({ sockets }) => sockets.io.of("/").adapter.serverCount()),
  );
  return counts.every((count) => count >= apps.length);
}

/** Whether the server that the mode needs is installed. */
const isAvailable = (mode: Mode) =>
  mode === "kv" || (mode === "kvconnect" ? kvConnectAvailable() : redisAvailable());

/** One test for each mode; those whose server isn't installed are ignored. */
export function inModes(
  modes: readonly Mode[],
  name: string,
  fn: (instances: Instances) => Promise<void>,
  options: InstancesOptions = {},
): void {
  for (const mode of modes) {
    Deno.test({
      name: `${name} (${mode})`,
      ignore: !isAvailable(mode),
      async fn() {
        await using instances = await openInstances(mode, options);
        await fn(instances);
      },
    });
  }
}
