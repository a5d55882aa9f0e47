import postgres from "postgres";
import { type StandInProvider, startModelProvider } from "../../support/model_provider.ts";
import { PostgresServer } from "../../support/postgres_server.ts";
import { RedisServer } from "../../support/redis_servers.ts";
import { say } from "../../support/say.ts";
import { type ServerProcess, startServerProcess } from "../../support/server_process.ts";
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
}

/** A whole deployment: Python, Redis, a database, a model, a proxy, and this project's instances. */
export interface World extends AsyncDisposable {
  readonly url: string;
  readonly proxy: Proxy;
  readonly python: readonly PythonProcess[];
  readonly ours: readonly ServerProcess[];
  readonly redis: RedisServer;
  readonly model: StandInProvider;
  readonly admin: Person;
  /** A new user, signed in. */
  person(name: string): Promise<Person>;
}

const SECRET = "a-key-for-interop-only";
const PASSWORD = "correct horse battery";

const DEPLOY = new URL("../../../docs/deploy/openwebui/", import.meta.url);

/** Accounts of ours in Postgres and Redis that may no more than the guide's files say. */
async function limitOurs(redis: RedisServer, databaseUrl: string): Promise<Record<string, string>> {
  const acl = await Deno.readTextFile(new URL("redis.acl", DEPLOY));
  const rule = acl.split("\n").find((line) => line.startsWith("user "))?.split(/\s+/) ?? [];
  await redis.command("ACL", "SETUSER", ...rule.slice(1));
  const redisUrl = new URL(redis.url);
  [redisUrl.username, redisUrl.password] = ["webui_realtime", "choose-one"];
  const urls = { REDIS_URL: redisUrl.href, WEBSOCKET_REDIS_URL: redisUrl.href };
  if (!databaseUrl.startsWith("postgres")) return { ...urls, OPEN_WEBUI_DATABASE_URL: databaseUrl };

  const script = await Deno.readTextFile(new URL("postgres-role.sql", DEPLOY));
  const sql = postgres(databaseUrl, { max: 1 });
  await sql.unsafe(script.replace(/^ *--.*$/gm, "").replace(":password", "'choose one'"));
  await sql.end();
  const url = new URL(databaseUrl);
  [url.username, url.password] = ["webui_realtime", "choose one"];
  return { ...urls, OPEN_WEBUI_DATABASE_URL: url.href };
}

export async function openWorld(
  { uvicorn }: Installed,
  { database, isBaseline, workers, instances }: WorldOptions,
): Promise<World> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = stack.use(await tempFolder());
    const redis = stack.use(await RedisServer.start());
    const model = stack.use(startModelProvider());
    const databaseUrl = database === "sqlite"
      ? `sqlite:///${folder.path}/webui.db`
      : stack.use(await PostgresServer.start()).url;
    const shared = {
      WEBUI_SECRET_KEY: SECRET,
      REDIS_URL: redis.url,
      WEBSOCKET_REDIS_URL: redis.url,
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
    const limited = await limitOurs(redis, databaseUrl);
    const ours: ServerProcess[] = [];
    for (let n = 0; n < instances && !isBaseline; n++) {
      ours.push(stack.use(
        await startServerProcess({
          ...shared,
          ...limited,
          OPEN_WEBUI_URL: pages[0] ?? "",
          TRUSTED_PROXIES: "1",
        }),
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
      return new Person(proxy.url, await answer.json());
    };
    const admin = await sign("/api/v1/auths/signup", {
      ...{ name: "Admin", email: "admin@example.com", password: PASSWORD },
    });
    return {
      ...{ url: proxy.url, proxy, python, ours, redis, model, admin },
      async person(name) {
        const email = `${name.toLowerCase()}-${crypto.randomUUID().slice(0, 8)}@example.com`;
        await admin.api("POST", "/api/v1/auths/add", {
          ...{ name, email, password: PASSWORD, role: "user" },
        });
        return await sign("/api/v1/auths/signin", { email, password: PASSWORD });
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}
