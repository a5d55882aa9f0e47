/** A server of its own process, with people who have signed up long ago, and a model provider. */
import { SignJWT } from "jose";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { DEFAULT_PICTURE } from "../../lib/state/records.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { type Person, personAt } from "../support/server.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";

const SECRET = "a-secret-of-the-soak-and-of-nothing-else";
const METRICS_TOKEN = "metrics";
/** An answer: 60 tokens, 5 s long. */
const TOKENS = 60;
const TOKEN_MS = 80;

export interface World extends AsyncDisposable {
  readonly people: readonly Person[];
  server(): ServerProcess;
  port(): number;
  /** Kills the server, and starts another on its port. */
  restart(): Promise<void>;
  /** The server's metrics of now, as text. */
  metrics(): Promise<string>;
}

const idOf = (index: number) => `person-${index}`;

/** Signing up takes a third of a second each; these were written by somebody who had the time. */
async function populate(path: string, size: number): Promise<void> {
  await using store = await openKvStore({ path, keyPrefix: "open-webui", logger });
  const now = Math.floor(Date.now() / 1_000);
  const times = { last_active_at: now, created_at: now, updated_at: now };
  const write = async (index: number) => {
    const id = idOf(index);
    const email = `${id}@example.com`;
    const role = index === 0 ? "admin" : "user";
    await store.sortedIndex(keys.users).put({ member: id, score: now });
    if (role === "admin") await store.sortedIndex(keys.admins).put({ member: id, score: 0 });
    await store.values.set(keys.userByEmail(email), { id, claimed_at_ms: 0 });
    const person = { id, email, name: id, role, profile_image_url: DEFAULT_PICTURE, ...times };
    await store.values.set(keys.user(id), { ...person, role: role as "admin" | "user" });
  };
  await Promise.all(Array.from({ length: size }, (_, index) => write(index)));
}

async function tokenOf(index: number): Promise<string> {
  return await new SignJWT({ id: idOf(index) })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt()
    .setJti(crypto.randomUUID())
    .sign(new TextEncoder().encode(SECRET));
}

export async function openWorld(size: number): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const path = `${folder.path}/soak.kv`;
  await populate(path, size);
  const provider = stack.use(startModelProvider());
  provider.script = {
    tokens: Array.from({ length: TOKENS }, (_, at) => `word${at} `),
    paceMs: TOKEN_MS,
  };
  const env = {
    DENO_KV_PATH: path,
    WEBUI_SECRET_KEY: SECRET,
    METRICS_TOKEN,
    OPENAI_API_BASE_URL: provider.baseUrl,
    // All clients are of one address here.
    MAX_CONNECTIONS: "20000",
    MAX_CONNECTIONS_PER_ADDRESS: "20000",
  };
  let server = await startServerProcess(env);
  stack.defer(() => server[Symbol.asyncDispose]());
  const { url } = server;
  const port = Number(new URL(url).port);
  const people = await Promise.all(Array.from({ length: size }, async (_, index) => {
    const role = index === 0 ? "admin" : "user";
    return personAt(url, { id: idOf(index), token: await tokenOf(index), role });
  }));
  const all = stack.move();
  return {
    people,
    server: () => server,
    port: () => port,
    async restart() {
      server.kill("SIGKILL");
      await server.status;
      server = await startServerProcess({ ...env, PORT: `${port}` });
    },
    async metrics() {
      const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
      return await (await fetch(`${url}/metrics`, { headers })).text();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
