/** An Open WebUI without Python: its database, its Redis, and this server as its real-time layer. */
import { Redis } from "ioredis";
import { SignJWT } from "jose";
import { io, type Socket } from "socket.io-client";
import { type DropIn, startDropIn } from "../../lib/app/drop_in.ts";
import { loadConfig } from "../../lib/config.ts";
import { type Fixture, postgresFixture, sqliteFixture } from "../openwebui/fixture.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { postgresAvailable, PostgresServer } from "../support/postgres_server.ts";
import { redisAvailable, type RedisServer } from "../support/redis_servers.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { type Mode, startStoreServers } from "../support/store_servers.ts";
import { until } from "../support/until.ts";

const SECRET = "the-key-of-open-webui";
const PREFIX = "open-webui";

/** A browser's tab, as far as Open WebUI's client is one: a socket with a token. */
export interface Tab {
  socket: Socket;
  /** Names and first payloads, in order. */
  heard: [string, unknown][];
  /** The payloads of `events`, of `events:channel`, … */
  of<T = Record<string, unknown>>(name: string): T[];
  /** As the client does on each connect; the ack's arguments. */
  join(): Promise<unknown[]>;
  ask(event: string, payload?: unknown): Promise<unknown[]>;
}

export interface World extends AsyncDisposable {
  readonly apps: DropIn[];
  readonly fixture: Fixture;
  readonly redis: RedisServer;
  /** A client of the same Redis, as Python has. */
  readonly python: Redis;
  /** What was published on Open WebUI's channels, by whoever. */
  readonly said: { channel: string; text: string }[];
  readonly lines: string[];
  addUser(id: string, more?: Record<string, unknown>): Promise<void>;
  token(id: string, claims?: Record<string, unknown>): Promise<string>;
  /** A tab at one of the instances, or at a URL; with a user, it has signed in and joined. */
  tab(at: number | string, userId?: string, options?: Parameters<typeof io>[1]): Promise<Tab>;
  /** An emit as Python's processes publish it, to a room. */
  emit(
    room: string | string[] | null,
    event: string,
    payload: unknown,
    more?: object,
  ): Promise<void>;
  control(method: string, more: object): Promise<void>;
  /** The entries of the session pool. */
  pool(): Promise<Map<string, Record<string, unknown>>>;
  start(env?: Record<string, string>): Promise<DropIn>;
  /** One more instance as a process of its own, which can be killed; the others have met it. */
  process(): Promise<ServerProcess>;
}

let postgres: Promise<PostgresServer> | undefined;

/** Ends the Postgres that the tests of a file share. */
export async function endPostgres(): Promise<void> {
  await (await postgres)?.[Symbol.asyncDispose]();
  postgres = undefined;
}

export type Engine = "sqlite" | "postgres";

/** One test for each engine of Open WebUI's database; those whose server isn't installed are ignored. */
export function onEngines(
  name: string,
  work: (world: World) => Promise<void>,
  { engines = ["sqlite"], env = {}, instances = 2, mode = "redis" }: {
    engines?: Engine[];
    mode?: Exclude<Mode, "kv" | "kvconnect">;
    env?: Record<string, string>;
    instances?: number;
  } = {},
): void {
  for (const engine of engines) {
    Deno.test({
      name: `drop-in, ${[engine, ...mode === "redis" ? [] : [mode]].join(", ")}: ${name}`,
      ignore: !redisAvailable() || (engine === "postgres" && !postgresAvailable()),
      async fn() {
        await using world = await openWorld(engine, mode, env, instances);
        await work(world);
      },
    });
  }
}

async function openWorld(
  engine: Engine,
  mode: Mode,
  env: Record<string, string>,
  instances: number,
): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await startStoreServers(mode));
  const redis = store.redis ?? store.cluster?.masters[0] ?? await store.sentinel?.master();
  if (redis === undefined) throw new Error("There is no Redis");
  const fixture = stack.use(
    engine === "sqlite"
      ? await sqliteFixture()
      : await postgresFixture(await (postgres ??= PostgresServer.start())),
  );
  const { logger, lines } = keepingLogger();
  const python = new Redis(redis.url, { retryStrategy: () => 50 });
  const listener = python.duplicate();
  stack.defer(() => {
    python.disconnect();
    listener.disconnect();
  });
  const said: World["said"] = [];
  await listener.subscribe("socketio", `${PREFIX}:direct_completion`);
  listener.on("message", (channel, text) => void said.push({ channel, text }));

  const schema = (fixture as { schema?: string }).schema;
  const all: Record<string, string> = {
    HOST: "127.0.0.1",
    PORT: "0",
    WEBUI_SECRET_KEY: SECRET,
    OPEN_WEBUI_DATABASE_URL: fixture.url,
    ...(schema && { DATABASE_SCHEMA: schema }),
    ...store.env,
    ...env,
  };
  const apps: DropIn[] = [];
  const start = async (more: Record<string, string> = {}) => {
    const app = await startDropIn(loadConfig((name) => ({ ...all, ...more })[name]), logger);
    apps.push(app);
    return app;
  };
  stack.defer(async () => {
    await Promise.all(apps.map((app) => app.stop()));
    const late = lines.filter((line) => line.includes("took too long"));
    if (late.length > 0) throw new Error(`An instance did not stop in time:\n${lines.join("\n")}`);
  });
  for (let n = 0; n < instances; n++) await start();
  await until(
    async () => {
      const counts = apps.map((app) => app.sockets.io.of("/").adapter.serverCount());
      return (await Promise.all(counts)).every((count) => count >= instances);
    },
    { what: "the instances to meet" },
  );
  const tabs: Socket[] = [];
  stack.defer(() => tabs.forEach((socket) => void socket.disconnect()));
  const publish = async (channel: string, message: object) =>
    void await python.publish(channel, JSON.stringify(message));
  const process: World["process"] = async () => {
    const before = await apps[0]?.sockets.io.of("/").adapter.serverCount() ?? 0;
    const started = ended.use(await startServerProcess(all));
    await until(
      async () => (await apps[0]?.sockets.io.of("/").adapter.serverCount() ?? 0) > before,
      { what: "the process to be met" },
    );
    return started;
  };
  const token: World["token"] = async (id, claims = {}) =>
    await new SignJWT({
      ...{ id, jti: crypto.randomUUID(), session_stamp: null },
      exp: Math.floor(Date.now() / 1_000) + 3_600,
      ...claims,
    })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuedAt()
      .sign(new TextEncoder().encode(SECRET));
  const ended = stack.move();
  return {
    ...{ apps, fixture, redis, python, said, lines, token, start, process },
    async addUser(id, { role = "user", ...auth } = {}) {
      const email = `${id}@example.com`;
      await fixture.insert("user", { id, name: id, email, role, last_active_at: 0 });
      await fixture.insert("auth", { id, active: true, session_stamp: null, ...auth });
    },
    async tab(at, userId, options = {}) {
      const auth = userId === undefined ? {} : { token: await token(userId) };
      const socket = io(typeof at === "string" ? at : apps[at]?.url ?? "", {
        path: "/ws/socket.io",
        transports: ["websocket"],
        forceNew: true,
        auth,
        ...options,
      });
      tabs.push(socket);
      const heard: Tab["heard"] = [];
      socket.onAny((name, payload) => void heard.push([name, payload]));
      const ask: Tab["ask"] = (event, payload) =>
        new Promise((resolve, reject) => {
          const limit = setTimeout(() => reject(new Error(`No ack for ${event}`)), 10_000);
          socket.emit(event, payload, (...answer: unknown[]) => {
            clearTimeout(limit);
            resolve(answer);
          });
        });
      const join = () => ask("user-join", { auth });
      await until(() => socket.connected, { what: "the tab to connect" });
      if (userId !== undefined) await join();
      return {
        ...{ socket, heard, ask, join },
        of: <T>(name: string) =>
          heard.filter(([event]) => event === name).map(([, payload]) => payload as T),
      };
    },
    async emit(room, event, payload, more = {}) {
      const isOne = typeof room === "string";
      await publish(isOne ? `socketio#/#${room}` : "socketio", {
        ...{ method: "emit", event, data: [payload], binary: false, namespace: "/", room },
        ...{ skip_sid: null, callback: null, host_id: "331c2f4860154e2d8cafab8005a4b5d9" },
        ...more,
      });
    },
    control: (method, more) =>
      publish("socketio", { method, namespace: "/", host_id: "331c2f48", ...more }),
    async pool() {
      const entries = Object.entries(await python.hgetall(`${PREFIX}:session_pool`));
      return new Map(entries.map(([sid, text]) => [sid, JSON.parse(text)]));
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
