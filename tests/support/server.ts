/** A whole server for a test: real sockets on a free port, a store of its own, nothing shared. */
import { Agent } from "node:http";
import { io, type Socket } from "socket.io-client";
import { type App, startApp } from "../../lib/app.ts";
import { type Logger, silentLogger } from "../../lib/common/logger.ts";
import { yieldToEvents } from "../../lib/common/pause.ts";
import { loadConfig } from "../../lib/config.ts";
import type { ChatEvent } from "../../lib/protocol/events.ts";
import { until } from "./until.ts";

/** Environment variables over the test's defaults. */
export type Env = Record<string, string>;

const DEFAULTS: Env = {
  HOST: "127.0.0.1",
  PORT: "0",
  DENO_KV_PATH: ":memory:",
  WEBUI_SECRET_KEY: "a-key-for-tests-only",
  DEFAULT_USER_ROLE: "user",
  SIGNIN_RATE_LIMIT: "1000",
};

/** People by the hundred sign up in the tests: at the true cost, most of their time would be hashing. */
const CHEAP = { logN: 4, r: 8, p: 1 };

/** Starts a server in this process. */
export async function startServer(env: Env = {}, logger: Logger = silentLogger): Promise<App> {
  const all = { ...DEFAULTS, ...env };
  return await startApp(loadConfig((name) => all[name]), logger, { passwordCost: CHEAP });
}

/** Somebody who has signed in. */
export interface Person {
  id: string;
  token: string;
  role: string;
  /** Calls the API as this person; answers of any status are returned, and must be read. */
  call(method: string, path: string, body?: unknown): Promise<Response>;
  /** As {@linkcode call}, for the status alone. */
  status(method: string, path: string, body?: unknown): Promise<number>;
  /** As {@linkcode call}, for the JSON of an answer that must be good. */
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
}

let people = 0;

/** Signs somebody new up; the first on a server is its admin. */
export async function signUp(url: string, name = `person ${++people}`): Promise<Person> {
  const email = `${crypto.randomUUID()}@example.com`;
  const response = await fetch(`${url}/api/v1/auths/signup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, email, password: "correct horse battery" }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`sign-up failed: ${JSON.stringify(answer)}`);
  return personAt(url, answer);
}

/** Somebody who has signed in, here or at another instance. */
export function personAt(
  url: string,
  { id, token, role }: Pick<Person, "id" | "token" | "role">,
): Person {
  const call: Person["call"] = (method, path, body) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return {
    id,
    token,
    role,
    call,
    async status(method, path, body) {
      const response = await call(method, path, body);
      await response.arrayBuffer();
      return response.status;
    },
    async json<T>(method: string, path: string, body?: unknown) {
      const response = await call(method, path, body);
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer as T;
    },
  };
}

/** A client that is connected, and what it has heard. */
export interface Client extends AsyncDisposable {
  socket: Socket;
  /** Every `events` payload, in order. */
  events: ChatEvent[];
  /** Every `error` payload, in order. */
  errors: { event: string; code: string; message: string }[];
}

/** Where requests are made by `xmlhttprequest-ssl`, as those of the official client are that polls. */
const TURNS_OF_AN_END = 5;

/** Connects the official client, with a token or (`undefined`) without. */
export async function connect(
  url: string,
  token: string | undefined,
  options: Parameters<typeof io>[1] = {},
): Promise<Client> {
  const requests = new Agent();
  const socket = io(url, {
    path: "/ws/socket.io",
    transports: ["websocket"],
    forceNew: true,
    auth: token === undefined ? {} : { token },
    // Node's, which the type of the option does not know.
    agent: requests as never,
    ...options,
  });
  const client: Client = {
    socket,
    events: [],
    errors: [],
    async [Symbol.asyncDispose]() {
      socket.disconnect();
      await until(() => (socket.io.engine?.readyState ?? "closed") === "closed", {
        what: "the client's end",
      });
      await until(() => Object.keys(requests.sockets).length === 0, {
        what: "the last request's end",
      });
      // That is told by one timer after another.
      for (let turn = 0; turn < TURNS_OF_AN_END; turn++) await yieldToEvents();
    },
  };
  socket.on("events", (event: ChatEvent) => client.events.push(event));
  socket.on("error", (error) => client.errors.push(error));
  let refusal: Error | undefined;
  // Who does not come back by itself has failed for good.
  if (options.reconnection === false) socket.once("connect_error", (error) => refusal = error);
  try {
    await until(() => {
      if (refusal) throw refusal;
      return socket.connected;
    }, { what: "the connection" });
  } catch (thrown) {
    await client[Symbol.asyncDispose]();
    throw thrown;
  }
  return client;
}
