import postgres from "postgres";
import { type StandInProvider, startModelProvider } from "../../support/model_provider.ts";
import { PostgresServer } from "../../support/postgres_server.ts";
import { RedisServer } from "../../support/redis_servers.ts";
import { say } from "../../support/say.ts";
import { type ServerProcess, startServerProcess } from "../../support/server_process.ts";
import { TcpProxy } from "../../support/tcp_proxy.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import type { Installed } from "./install.ts";
import { type Json, Person } from "./person.ts";
import { type Proxy, startProxy } from "./proxy.ts";
import { type PythonProcess, startPython } from "./python.ts";

export interface WorldOptions {
  database: "sqlite" | "postgres";
  /** Sockets stay with Python: what the checks say of the original. */
  isBaseline: boolean;
  workers: number;
  instances: number;
  /** All are as far from Redis as `redisWay` says. Default: they speak to it directly. */
  isRedisFar?: boolean;
  /** What our instances get besides. */
  env?: Record<string, string>;
}

/** A whole deployment: Python, Redis, a database, a model, a proxy, and this project's instances. */
export interface World extends AsyncDisposable {
  readonly url: string;
  readonly proxy: Proxy;
  readonly python: readonly PythonProcess[];
  readonly ours: readonly ServerProcess[];
  readonly redis: RedisServer;
  /** The way to Redis, where it is to be far. */
  readonly redisWay: TcpProxy | undefined;
  readonly databaseUrl: string;
  readonly model: StandInProvider;
  readonly admin: Person;
  /** SIGKILL to one of our instances; the proxy leads past it. */
  killOurs(place: number): Promise<void>;
  killPython(place: number): Promise<void>;
  /** A new user, signed in. */
  person(name: string): Promise<Person>;
}

/** Signs the tokens of all. */
export const SECRET = "a-key-for-interop-only";
/** Of everybody. */
export const PASSWORD = "correct horse battery";

const DEPLOY = new URL("../../../docs/deploy/openwebui/", import.meta.url);

/** The line of `redis.acl`: an account of ours that may no more than the guide says. */
async function aclRule(): Promise<string[]> {
  const acl = await Deno.readTextFile(new URL("redis.acl", DEPLOY));
  return acl.split("\n").find((line) => line.startsWith("user "))?.split(/\s+/).slice(1) ?? [];
}

/** Our way to the database: in Postgres by a role that may no more than the guide's file says. */
async function limited(databaseUrl: string): Promise<string> {
  if (!databaseUrl.startsWith("postgres")) return databaseUrl;
  const script = await Deno.readTextFile(new URL("postgres-role.sql", DEPLOY));
  const sql = postgres(databaseUrl, { max: 1 });
  await sql.unsafe(script.replace(/^ *--.*$/gm, "").replace(":password", "'choose one'"));
  await sql.end();
  const url = new URL(databaseUrl);
  [url.username, url.password] = ["webui_realtime", "choose one"];
  return url.href;
}

export async function openWorld(
  { uvicorn }: Installed,
  { database, isBaseline, workers, instances, isRedisFar = false, env = {} }: WorldOptions,
): Promise<World> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = stack.use(await tempFolder());
    const redis = stack.use(await RedisServer.start(["--user", ...await aclRule()]));
    const redisWay = isRedisFar ? stack.use(new TcpProxy(redis.port)) : undefined;
    const redisUrl = redisWay ? `redis://127.0.0.1:${redisWay.port}/0` : redis.url;
    const model = stack.use(startModelProvider());
    const databaseUrl = database === "sqlite"
      ? `sqlite:///${folder.path}/webui.db`
      : stack.use(await PostgresServer.start()).url;
    const shared = {
      WEBUI_SECRET_KEY: SECRET,
      REDIS_URL: redisUrl,
      WEBSOCKET_REDIS_URL: redisUrl,
      WEBSOCKET_MANAGER: "redis",
    };
    const python: PythonProcess[] = [];
    for (let n = 0; n < workers; n++) {
      say(`starting Python process ${n + 1}`);
      const process = await startPython(uvicorn, {
        ...shared,
        DATA_DIR: folder.path,
        DATABASE_URL: databaseUrl,
        ENABLE_WEBSOCKET_SUPPORT: "true",
        ENABLE_CHANNELS: "true",
        ENABLE_DIRECT_CONNECTIONS: "true",
        BYPASS_MODEL_ACCESS_CONTROL: "true",
        DEFAULT_USER_ROLE: "user",
        OPENAI_API_BASE_URL: model.baseUrl,
        OPENAI_API_KEY: "sk-interop",
      });
      // The first makes the database: the others find it.
      python.push(stack.use(process));
    }
    const pages = python.map(({ url }) => url);
    const ourRedis = new URL(redisUrl);
    [ourRedis.username, ourRedis.password] = ["webui_realtime", "choose-one"];
    const ourEnv = {
      ...shared,
      REDIS_URL: ourRedis.href,
      WEBSOCKET_REDIS_URL: ourRedis.href,
      OPEN_WEBUI_DATABASE_URL: await limited(databaseUrl),
      OPEN_WEBUI_URL: pages[0] ?? "",
      TRUSTED_PROXIES: "1",
      ...env,
    };
    const ours: ServerProcess[] = [];
    for (let n = 0; n < instances && !isBaseline; n++) {
      ours.push(stack.use(
        await startServerProcess(ourEnv),
      ));
    }
    const proxy = stack.use(
      await startProxy(isBaseline ? pages : ours.map(({ url }) => url), pages),
    );
    const sign = async (path: string, body: Json) => {
      const answer = await fetch(proxy.url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return new Person(proxy.url, { ...await answer.json(), email: body["email"] });
    };
    const admin = await sign("/api/v1/auths/signup", {
      ...{ name: "Admin", email: "admin@example.com", password: PASSWORD },
    });
    return {
      ...{ url: proxy.url, proxy, python, ours, redis, redisWay, databaseUrl, model, admin },
      async person(name) {
        const email = `${name.toLowerCase()}-${crypto.randomUUID().slice(0, 8)}@example.com`;
        await admin.api("POST", "/api/v1/auths/add", {
          ...{ name, email, password: PASSWORD, role: "user" },
        });
        return await sign("/api/v1/auths/signin", { email, password: PASSWORD });
      },
      async killOurs(place) {
        ours[place]?.kill("SIGKILL");
        await ours[place]?.status;
        proxy.sockets = ours.filter(({ isOver }) => !isOver).map(({ url }) => url);
      },
      async killPython(place) {
        await python[place]?.kill();
        proxy.pages = python.filter(({ isOver }) => !isOver).map(({ url }) => url);
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}
