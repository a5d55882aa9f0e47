/** Several servers on one store, in each shape that the store can have. */
import type { App } from "../../lib/app.ts";
import type { Logger } from "../../lib/common/logger.ts";
import { type StandInProvider, startModelProvider } from "./model_provider.ts";
import { type Env, startServer } from "./server.ts";
import { isAvailable, type Mode, startStoreServers, type StoreServers } from "./store_servers.ts";
import { until } from "./until.ts";

export { personAt as at } from "./server.ts";

export interface Instances extends StoreServers {
  readonly provider: StandInProvider;
  readonly apps: readonly App[];
  readonly a: App;
  readonly b: App;
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
  const store = stack.use(await startStoreServers(mode, redisArgs));
  const env: Env = { OPENAI_API_BASE_URL: provider.baseUrl, ...options.env, ...store.env };
  const apps: App[] = [];
  for (let i = 0; i < servers; i++) apps.push(stack.use(await startServer(env, logger)));
  await until(() => knowEachOther(apps), { what: "the instances to meet" });
  const [first, second = first] = apps;
  const all = stack.move();
  return {
    ...store,
    ...{ env, provider, apps },
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
