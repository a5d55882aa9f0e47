/** The proxies of `docs/deploy/`, as they stand there but for addresses, in front of two instances. */
import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { type Env, signUp } from "../support/server.ts";
import { startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";

interface Proxy {
  name: "nginx" | "haproxy" | "caddy";
  file: string;
  args(file: string, folder: string): string[];
  /** What must be around the file to be a whole configuration. */
  whole(text: string, folder: string): string;
  /** How clients that poll are kept at their instance. */
  sticky(text: string): string;
}

const PROXIES: Proxy[] = [
  {
    name: "nginx",
    file: "nginx.conf",
    args: (file, folder) => ["-c", file, "-p", folder, "-g", "daemon off;"],
    whole: (text, folder) =>
      `user root; error_log stderr warn; pid ${folder}/pid; events { worker_connections 4096; }\nhttp {
        access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
        fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
        ${text.replaceAll(/^ *listen \[::\].*$/gm, "")} }`,
    sticky: (text) => text.replace(/^ *least_conn;$/m, "").replace(/^ *# +(hash .*;)$/m, "$1"),
  },
  {
    name: "haproxy",
    file: "haproxy.cfg",
    args: (file) => ["-db", "-f", file],
    // It takes twice as many files, which a test's shell may not have.
    whole: (text) => text.replace("maxconn 20000", "maxconn 1000"),
    sticky: (text) => text,
  },
  {
    name: "caddy",
    file: "Caddyfile",
    args: (file) => ["run", "--adapter", "caddyfile", "--config", file],
    whole: (text) => text,
    sticky: (text) => text.replace("lb_policy least_conn", "lb_policy cookie webui_instance"),
  },
];

/** Caddy from 2.7 on: Debian's older one does not know all that the file says. */
const VERSION_ARGS: Record<string, string> = { openssl: "version", caddy: "version" };
const CADDY_SINCE = 7;

function isInstalled(name: string): boolean {
  try {
    const { success, stdout } = new Deno.Command(name, {
      args: [VERSION_ARGS[name] ?? "-v"],
      stderr: "null",
    }).outputSync();
    if (name !== "caddy") return success;
    const [, minor] = /^v?2\.(\d+)/.exec(new TextDecoder().decode(stdout)) ?? [];
    return success && Number(minor) >= CADDY_SINCE;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Makes what the files name in the folder; returns the authority that has signed it. */
async function certificate(folder: string): Promise<string> {
  const at = (name: string) => `${folder}/${name}`;
  const key = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", at(name)];
  await openssl(
    ...["req", "-x509", "-days", "1", "-subj", "/CN=authority", ...key("ca-key.pem")],
    ...["-out", at("ca.pem")],
  );
  await openssl("req", "-new", "-subj", "/CN=localhost", ...key("privkey.pem"), "-out", at("csr"));
  await Deno.writeTextFile(
    at("names"),
    "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
  );
  await openssl(
    ...["x509", "-req", "-in", at("csr"), "-CA", at("ca.pem"), "-CAkey", at("ca-key.pem")],
    ...["-CAcreateserial", "-days", "1", "-extfile", at("names"), "-out", at("fullchain.pem")],
  );
  const both = await Promise.all(
    ["fullchain.pem", "privkey.pem"].map((name) => Deno.readTextFile(at(name))),
  );
  await Deno.writeTextFile(at("both.pem"), both.join(""));
  return await Deno.readTextFile(at("ca.pem"));
}

/** The site with a certificate of the test's own, on free ports. */
const caddySite = (at: { https: number; http: number; folder: string }) =>
  `{
  admin off
  default_bind 127.0.0.1
  storage file_system ${at.folder}/caddy
  http_port ${at.http}
  https_port ${at.https}
}
localhost {
  tls ${at.folder}/fullchain.pem ${at.folder}/privkey.pem`;

/** Two instances behind the proxy; `url` is the proxy's, by TLS. */
async function openWorld(proxy: Proxy, env: Env, isSticky: boolean) {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const { path: folder } = stack.use(await tempFolder());
  const pem = await certificate(folder);
  const shared = {
    ...{ WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: redis.url, TRUSTED_PROXIES: "1" },
    ...env,
  };
  const servers = [
    stack.use(await startServerProcess(shared)),
    stack.use(await startServerProcess(shared)),
  ];
  const [https, http] = [freePort(), freePort()];
  const [one, two] = servers.map(({ url }) => new URL(url).port);
  const given = await Deno.readTextFile(
    new URL(`../../docs/deploy/${proxy.file}`, import.meta.url),
  );
  const prefix = env.BASE_PATH ?? "";
  const text = (isSticky ? proxy.sticky(given) : given)
    .replaceAll("127.0.0.1:8081", `127.0.0.1:${one}`)
    .replaceAll("127.0.0.1:8082", `127.0.0.1:${two}`)
    .replaceAll("/etc/ssl/chat.example.com", folder)
    .replaceAll(/listen 443/g, `listen 127.0.0.1:${https}`)
    .replaceAll(/listen 80;/g, `listen 127.0.0.1:${http};`)
    .replace("chat.example.com {", caddySite({ https, http, folder }))
    .replace("respond /metrics", `respond ${prefix}/metrics`)
    .replace("health_uri /ready", `health_uri ${prefix}/ready`)
    .replace("bind :443", `bind 127.0.0.1:${https}`)
    .replace("bind :80", `bind 127.0.0.1:${http}`)
    .replaceAll("= /metrics", `= ${prefix}/metrics`)
    .replace("path /metrics", `path ${prefix}/metrics`)
    .replace("uri /ready", `uri ${prefix}/ready`)
    .replace("location / {", `location ${prefix}/ {`);
  const file = `${folder}/${proxy.file}`;
  await Deno.writeTextFile(file, proxy.whole(text, folder));
  const child = new Deno.Command(proxy.name, {
    ...{ args: proxy.args(file, folder), stdin: "null", stdout: "null", stderr: "piped" },
  }).spawn();
  let said = "";
  const reading = (async () => {
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) said += piece;
  })();
  stack.defer(async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await child.status;
    await reading;
  });
  const client = stack.use(Deno.createHttpClient({ caCerts: [pem] }));
  const url = `https://localhost:${https}${prefix}`;
  const get = (path: string, init: RequestInit = {}) => fetch(url + path, { ...init, client });
  await until(async () => {
    const response = await get("/ready").catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok;
  }, { what: `${proxy.name} to answer`, limitMs: 60_000, everyMs: 50 }).catch((thrown) => {
    throw new Error(said, { cause: thrown });
  });
  const all = stack.move();
  return {
    ...{ url, servers, get, pem, plain: `http://localhost:${http}` },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function connected(url: string, token: string, pem: string, transport: string) {
  const { origin, pathname } = new URL(url);
  const socket = io(origin, {
    ...{ path: `${pathname.replace(/\/$/, "")}/ws/socket.io`, transports: [transport] },
    ...{ forceNew: true, auth: { token }, reconnection: false, ca: pem, withCredentials: true },
  });
  const refused = new Promise<never>((_, reject) => socket.on("connect_error", reject));
  await Promise.race([new Promise<void>((resolve) => socket.on("connect", resolve)), refused]);
  const answer = await socket.timeout(10_000).emitWithAck("heartbeat", {}).catch(String);
  const left = async () => {
    socket.disconnect();
    await until(() => (socket.io.engine?.readyState ?? "closed") === "closed", {
      what: "the client's end",
    });
  };
  return { socket, answer, [Symbol.asyncDispose]: left };
}

for (const proxy of PROXIES) {
  const ignore = !isInstalled(proxy.name) || !isInstalled("openssl") || !redisAvailable();

  Deno.test({
    name:
      `${proxy.name}: TLS, WebSockets at both instances, addresses and metrics, by the guide's file`,
    ignore,
    async fn() {
      await using world = await openWorld(proxy, {}, false);
      const { url, servers, get, pem, plain } = world;
      const direct = servers[0]?.url ?? "";
      const ada = await signUp(direct);
      const clients = [];
      for (let i = 0; i < 6; i++) {
        clients.push(await connected(url, ada.token, pem, "websocket"));
      }
      const counts = await Promise.all(servers.map(async ({ url }) => {
        const text = await (await fetch(`${url}/metrics`)).text();
        return Number(/rt_transport\{what="sockets"\} (\d+)/.exec(text)?.[1]);
      }));
      assert.deepEqual(counts, [3, 3]);
      for (const client of clients) await client[Symbol.asyncDispose]();
      assert.equal((await consumed(await get("/metrics"))).status, 403);
      assert.equal((await consumed(await get("/health"))).status, 200);
      const redirect = await consumed(await fetch(`${plain}/health`, { redirect: "manual" }));
      assert.ok([301, 308].includes(redirect.status), String(redirect.status));
      assert.match(redirect.headers.get("location") ?? "", /^https:/);
      // What the server itself takes, no proxy refuses before it.
      const body = JSON.stringify({ chat: { title: "x".repeat(12_000_000) } });
      const large = await consumed(
        await get("/api/v1/chats/new", {
          method: "POST",
          headers: { authorization: `Bearer ${ada.token}`, "content-type": "application/json" },
          body,
        }),
      );
      assert.notEqual(large.headers.get("content-type")?.startsWith("text/html"), true);
    },
  });

  Deno.test({
    name: `${proxy.name}: whoever polls comes back to the same instance, below a prefix, too`,
    ignore,
    async fn() {
      const env = { ENABLE_WEBSOCKET_SUPPORT: "both", BASE_PATH: "/app" };
      await using world = await openWorld(proxy, env, true);
      const ada = await signUp(world.servers[0]?.url ?? "");
      await Promise.all(Array.from({ length: 4 }, async () => {
        await using client = await connected(world.url, ada.token, world.pem, "polling");
        await until(() => client.socket.connected, { what: "the polling client" });
      }));
    },
  });
}

async function consumed(response: Response): Promise<Response> {
  await response.arrayBuffer();
  return response;
}
