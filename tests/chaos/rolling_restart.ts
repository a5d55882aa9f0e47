/**
 * A rolling restart of two instances on one Redis behind Debian's nginx and HAProxy, under load: people
 * ask without a pause, sockets listen, and each instance is ended and started anew in its turn; then one
 * is killed. Ends with 1 when a request failed that a client would not send again, an answer was
 * interrupted that fitted the time, somebody was signed out, or an official client of any language did
 * not come back by itself. `deno task rolling`; `deno task chaos` does it, too.
 */
import { createApi } from "../../lib/client/api.ts";
import { ClientError } from "../../lib/client/errors.ts";
import { pause } from "../../lib/common/pause.ts";
import type { ChatMessage } from "../../lib/protocol/chat.ts";
import { type OfficialClient, startOfficialClients } from "./official_clients.ts";
import { message, newChat } from "../e2e/support/chat.ts";
import { type Client, connect, type Person, personAt, signUp } from "../support/server.ts";
import { endOnSignals, endsWithTask } from "../support/ending.ts";
import { say } from "../support/say.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { RedisServer } from "../support/redis_servers.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";

const PEOPLE = 8;
/** Some two seconds: it fits the 3.5 that a stop of five lets it go on. */
const TOKENS = Array.from({ length: 80 }, (_, n) => `w${n} `);
const PACE_MS = 25;

const nginx = (port: number, ports: readonly number[], folder: string) => `
daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream app { ${ports.map((each) => `server 127.0.0.1:${each} max_fails=0;`).join(" ")} }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_read_timeout 300s; proxy_buffering off;
      proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_next_upstream error http_503 non_idempotent; proxy_next_upstream_tries 2;
    }
  }
}`;

const haproxy = (port: number, ports: readonly number[]) => `
defaults
  mode http
  option forwardfor
  option redispatch
  retries 3
  retry-on conn-failure empty-response 503
  timeout connect 2s
  timeout client 300s
  timeout server 300s
  timeout tunnel 1h
  # Else the interval is the time-out, and a busy machine's instance counts as dead.
  timeout check 3s
  option httpchk GET /ready
  default-server check inter 500ms fall 1 rise 1
frontend in
  bind 127.0.0.1:${port}
  default_backend app
backend app
  balance leastconn
${ports.map((each, at) => `  server s${at} 127.0.0.1:${each}`).join("\n")}
`;

export type ProxyName = "nginx" | "haproxy";

export interface Rolled {
  /** What must not be. */
  found: string[];
  /** Answers that people have had, all of them whole. */
  answers: number;
  /** The clients of other languages that were there. */
  languages: string[];
}

function startProxy(name: ProxyName, port: number, ports: readonly number[], folder: string) {
  const file = `${folder}/${name}.conf`;
  Deno.writeTextFileSync(
    file,
    `${name === "nginx" ? nginx(port, ports, folder) : haproxy(port, ports)}\n`,
  );
  const args = name === "nginx" ? ["-c", file, "-p", folder] : ["-db", "-f", file];
  const output = { stdin: "null", stdout: "null", stderr: "piped" } as const;
  return new Deno.Command(`/usr/sbin/${name}`, { args, ...output }).spawn();
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Asks and reads until the end of the test; returns what must not be. */
async function keepAsking(person: Person, url: string, stop: AbortSignal, found: string[]) {
  let answers = 0;
  const api = createApi({
    url,
    token: () => person.token,
    onSignedOut: () => found.push("somebody was signed out"),
  });
  while (!stop.aborted) {
    try {
      const chatId = await newChat(person, "titled");
      await api("POST /api/chat/completions", {
        body: {
          ...{ model: "stand-in", stream: true, chat_id: chatId, id: "a" },
          messages: [{ role: "user", content: "go" }],
        },
      });
      const end: ChatMessage = await until(async () => {
        const now = await message(person, chatId).catch(() => undefined);
        return now?.done ? now : undefined;
      }, { what: "an answer", limitMs: 20_000, everyMs: 200 });
      if (end.interrupted || end.error) found.push(`an answer ended as ${JSON.stringify(end)}`);
      else if (end.content !== TOKENS.join("")) found.push("an answer is not whole");
      answers++;
    } catch (thrown) {
      const code = thrown instanceof ClientError ? thrown.code : "";
      found.push(`a request failed: ${code} ${thrown}`);
      await pause(200);
    }
  }
  return answers;
}

/** Does it behind one proxy. */
export async function roll(name: ProxyName): Promise<Rolled> {
  const found: string[] = [];
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(startModelProvider());
  provider.script = { tokens: TOKENS, paceMs: PACE_MS };
  const redis = stack.use(await RedisServer.start());
  const { path: folder } = stack.use(await tempFolder());
  const ports = [freePort(), freePort()];
  const start = (port: number) =>
    startServerProcess({
      PORT: String(port),
      TRUSTED_PROXIES: "1",
      WEBSOCKET_MANAGER: "redis",
      WEBSOCKET_REDIS_URL: redis.url,
      OPENAI_API_BASE_URL: provider.baseUrl,
    });
  const servers: ServerProcess[] = [];
  stack.defer(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });
  for (const port of ports) servers.push(await start(port));
  const port = freePort();
  const proxy = startProxy(name, port, ports, folder);
  const endProxy = () => {
    proxy.kill("SIGTERM");
    return proxy.output();
  };
  const forgetProxy = endsWithTask(endProxy);
  stack.defer(async () => {
    const { stderr } = await endProxy();
    forgetProxy();
    const words = new TextDecoder().decode(stderr).trim();
    if (found.length > 0 && words !== "") say(words.slice(0, 2_000));
  });
  const url = `http://127.0.0.1:${port}`;
  await until(() =>
    fetch(`${url}/ready`).then(async (answer) => {
      await answer.body?.cancel();
      return answer.ok;
    }, () => false), { what: `${name} to serve`, limitMs: 10_000, everyMs: 50 });

  const people: Person[] = [];
  const clients: Client[] = [];
  for (let n = 0; n < PEOPLE; n++) {
    const person = personAt(url, await signUp(url));
    people.push(person);
    clients.push(stack.use(await connect(url, person.token)));
  }
  const official = await startOfficialClients(url, people[0]?.token ?? "", stack);
  const stop = new AbortController();
  const asking = people.map((person) => keepAsking(person, url, stop.signal, found));
  for (const [place, ownPort] of ports.entries()) {
    await pause(3_000);
    servers[place]?.kill("SIGTERM");
    const code = (await servers[place]?.status)?.code;
    if (code !== 0) found.push(`an instance ended with ${code}`);
    servers[place] = await start(ownPort);
    await until(() => clients.every(({ socket }) => socket.connected), {
      what: "all sockets to be back",
      limitMs: 20_000,
    });
  }
  // Each was at one of the two.
  await allBack(official, 1, found);
  await pause(3_000);
  stop.abort();
  const answers = (await Promise.all(asking)).reduce((sum, count) => sum + count, 0);
  const before = official.map(({ disconnects }) => disconnects);
  for (const [place, ownPort] of ports.entries()) {
    servers[place]?.kill("SIGKILL");
    await servers[place]?.status;
    servers[place] = await start(ownPort);
    await allBack(official, 0, found);
  }
  for (const [at, { name, disconnects }] of official.entries()) {
    if (disconnects === before[at]) found.push(`${name}'s client has noticed no kill`);
  }
  await until(() => clients.every(({ socket }) => socket.connected), {
    what: "all sockets to be back after a kill",
    limitMs: 20_000,
  }).catch((thrown) => found.push(String(thrown)));
  for (const { errors } of clients) {
    if (errors.some(({ event }) => event === "session")) found.push("a socket lost its session");
  }
  const languages = official.map(({ name }) => name);
  say(`${name}: ${answers} answers, ${found.length} faults; also: ${languages.join(", ")}`);
  for (const fault of new Set(found)) say(`  ${fault}`);
  return { found, answers, languages };
}

/** All are connected, and have been away at least so often. */
async function allBack(
  official: readonly OfficialClient[],
  least: number,
  found: string[],
): Promise<void> {
  for (const client of official) {
    await until(() => client.isConnected && client.disconnects >= least, {
      what: `${client.name}'s client to be back`,
      limitMs: 30_000,
    }).catch((thrown) => found.push(String(thrown)));
  }
}

/** Those that are installed; what is not is said aloud. */
export function installedProxies(): ProxyName[] {
  return (["nginx", "haproxy"] as const).filter((name) => {
    try {
      return Deno.statSync(`/usr/sbin/${name}`).isFile;
    } catch {
      say(`${name} is not installed, and is not tried (apt-get install ${name})`);
      return false;
    }
  });
}

if (import.meta.main) {
  endOnSignals();
  const proxies = installedProxies();
  let faults = 0;
  for (const name of proxies) faults += (await roll(name)).found.length;
  Deno.exit(faults > 0 || proxies.length === 0 ? 1 : 0);
}
