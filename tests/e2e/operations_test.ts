import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { say } from "../support/say.ts";
import { type Client, connect, signUp, startServer } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { ask, newChat } from "./support/chat.ts";

/** How late the store answers. */
const DELAY_MS = 2_500;

const withRedis = (port: number) => ({
  WEBSOCKET_MANAGER: "redis",
  WEBSOCKET_REDIS_URL: `redis://127.0.0.1:${port}/0`,
});

/** How long each echo took, in milliseconds and in order of size, while the work ran. */
async function echoes({ socket }: Client, work: Promise<unknown>): Promise<number[]> {
  let isOver = false;
  const over = work.finally(() => isOver = true);
  const took: number[] = [];
  while (!isOver) {
    const started = performance.now();
    await socket.emitWithAck("heartbeat", {});
    took.push(performance.now() - started);
    await pause(5);
  }
  await over;
  return took.toSorted((a, b) => a - b);
}

Deno.test({
  name: "S9: a store that takes seconds at sign-in leaves the other sockets' echo under 100 ms",
  ignore: !redisAvailable(),
  async fn() {
    await using redis = await RedisServer.start();
    await using proxy = new TcpProxy(redis.port);
    await using app = await startServer(withRedis(proxy.port));
    const ada = await signUp(app.url);
    await using client = await connect(app.url, ada.token);
    proxy.delayMs = DELAY_MS;
    await using late = new AsyncDisposableStack();
    const started = performance.now();
    const signIn = connect(app.url, ada.token).then((other) => late.use(other));
    const took = await echoes(client, signIn);
    const tookMs = performance.now() - started;
    proxy.delayMs = 0;
    const almostAllMs = took[Math.floor(0.95 * took.length)] ?? Infinity;
    const longestMs = took.at(-1) ?? Infinity;
    say(
      `S9: sign-in ${Math.round(tookMs)} ms; others' echoes: ${took.length}, 95 % within ` +
        `${almostAllMs.toFixed(1)} ms, the longest ${longestMs.toFixed(1)} ms`,
    );
    assert.ok(tookMs > 0.9 * DELAY_MS, "the store was not slow");
    // A busy machine may hold one up; a wait for the store would take all of its time.
    assert.ok(longestMs < DELAY_MS, `${longestMs} ms`);
  },
});

Deno.test({
  name: "/ready is false exactly while the store is away, /health is not, and events go on",
  ignore: !redisAvailable(),
  async fn() {
    await using redis = await RedisServer.start();
    await using app = await startServer(withRedis(redis.port));
    const ada = await signUp(app.url);
    await using client = await connect(app.url, ada.token);
    const ready = async () => {
      const response = await fetch(`${app.url}/ready`);
      return { status: response.status, body: await response.json() };
    };
    assert.deepEqual(await ready(), { status: 200, body: { status: true, failed: [] } });
    redis.pause();
    const away = await ready();
    assert.equal(away.status, 503);
    assert.ok(away.body.failed.includes("store"), JSON.stringify(away.body));
    const health = await fetch(`${app.url}/health`);
    assert.deepEqual(await health.json(), { status: true });
    assert.deepEqual(await client.socket.emitWithAck("heartbeat", {}), { status: true });
    redis.resume();
    await until(async () => (await ready()).status === 200, { what: "ready again" });
    assert.ok(client.socket.connected);
  },
});

Deno.test("S7: idle sockets' heartbeats cost the store a bounded number of requests, whatever their number", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const roundTripsOf = async (sockets: number) => {
    await using stack = new AsyncDisposableStack();
    const clients = await Promise.all(
      Array.from(
        { length: sockets },
        async () => stack.use(await connect(app.url, ada.token)),
      ),
    );
    await until(() => app.services.sessions.size === sockets);
    // The sign-ins' own writes come first.
    await pause(1_500);
    const before = app.services.store.stats().roundTrips;
    for (let beat = 0; beat < 4; beat++) {
      await Promise.all(clients.map(({ socket }) => socket.emitWithAck("heartbeat", {})));
      await pause(500);
    }
    return app.services.store.stats().roundTrips - before;
  };
  const few = await roundTripsOf(5);
  const many = await roundTripsOf(150);
  say(`S7: round trips in 2 s of heartbeats: 5 sockets ${few}, 150 sockets ${many}`);
  assert.ok(many < few + 20, "round trips grow with the sockets");
});

Deno.test("/metrics shows what has happened, to this machine only", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  for (let sent = 0; sent < 3; sent++) await client.socket.emitWithAck("heartbeat", {});
  await client.socket.emitWithAck("usage", {});
  await client.socket.emitWithAck("no-such-event", {});
  const text = await (await fetch(`${app.url}/metrics`)).text();
  const value = (pattern: RegExp) => Number(pattern.exec(text)?.[1]);
  assert.equal(value(/^rt_events_total\{[^}]*"heartbeat"[^}]*\} (\d+)/m), 3);
  assert.equal(value(/^rt_event_refusals_total\{[^}]*"invalid_payload"[^}]*\} (\d+)/m), 1);
  assert.equal(value(/^rt_event_refusals_total\{[^}]*"not_found"[^}]*\} (\d+)/m), 1);
  assert.equal(value(/^rt_sessions (\d+)/m), 1);
  assert.equal(value(/^rt_transport\{[^}]*"sockets"[^}]*\} (\d+)/m), 1);
  assert.ok(value(/^rt_store_round_trips_total.* (\d+)$/m) > 0);
  assert.doesNotMatch(text, /no-such-event/, "a name from outside has become a label");
  const proxied = await fetch(`${app.url}/metrics`, {
    headers: { "x-forwarded-for": "127.0.0.1" },
  });
  await proxied.body?.cancel();
  assert.equal(proxied.status, 403);
});

Deno.test("no line of the log holds a token, a password or a key, whatever goes wrong", async () => {
  await using provider = startModelProvider();
  provider.script = { status: 401, body: "the key sk-secret-of-the-test is wrong" };
  const { logger, lines } = keepingLogger();
  const passwords = ["correct horse battery", "wrong-password-of-the-test"];
  let token = "";
  {
    await using app = await startServer({
      WEBUI_SECRET_KEY: "signing-secret-of-the-test",
      OPENAI_API_KEY: "sk-secret-of-the-test",
      OPENAI_API_BASE_URL: provider.baseUrl,
      WEBSOCKET_SERVER_LOGGING: "true",
      WEBSOCKET_SERVER_ENGINEIO_LOGGING: "true",
    }, logger);
    const ada = await signUp(app.url);
    token = ada.token;
    await using client = await connect(app.url, token);
    await using mute = await connect(app.url, `${token}x`);
    await mute.socket.emitWithAck("user-join", { auth: { token: `${token}x` } });
    await mute.socket.emitWithAck("user-join", { auth: { token } });
    await client.socket.emitWithAck(token, { token });
    await ask(ada, await newChat(ada, "titled"));
    await until(() => client.events.some(({ data }) => data.type === "chat:completion"));
    for (
      const [path, body] of [
        ["/api/v1/auths/signin", { email: "nobody@example.com", password: passwords[1] }],
        ["/api/v1/auths/signup", { email: "no address", password: passwords[1], name: "x" }],
      ] as const
    ) {
      assert.ok(await ada.status("POST", path, body) >= 400);
    }
    const broken = await fetch(`${app.url}/api/v1/chats/?token=${token}`, {
      headers: { authorization: `Bearer ${token}broken` },
    });
    await broken.body?.cancel();
  }
  assert.ok(lines.length > 5, "nothing was logged");
  const log = lines.join("\n");
  const signature = token.split(".")[2] ?? token;
  for (const secret of [signature, "sk-secret", "signing-secret", ...passwords]) {
    assert.equal(log.includes(secret), false, `the log holds ${secret.slice(0, 6)}…`);
  }
});
