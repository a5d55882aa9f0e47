import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import { say } from "../support/say.ts";
import { type Client, connect, signUp, startServer } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { ask, completions, newChat } from "../e2e/support/chat.ts";
import { at, inModes, type Instances } from "../support/instances.ts";

/** Every Redis of the instances, masters and replicas. */
const serversOf = ({ redis, sentinel, cluster }: Instances) =>
  redis ? [redis] : sentinel ? sentinel.servers : [...cluster?.masters ?? []];

/** Connections received since the start, but for those of `INFO` itself: one for each question. */
async function received(instances: Instances, asked: number): Promise<number> {
  const counts = await Promise.all(
    serversOf(instances).map(async (server) =>
      Number(await server.info("total_connections_received"))
    ),
  );
  return counts.reduce((sum, count) => sum + count - asked, 0);
}

inModes(
  ["redis", "sentinel", "cluster"],
  "S8: streams, events, sign-ins and stops on two instances open not one connection to Redis more",
  async (instances) => {
    const { a, b, provider } = instances;
    provider.script = { tokens: Array.from({ length: 200 }, (_, i) => `${i} `), paceMs: 2 };
    const ada = await signUp(a.url);
    await using warm = await connect(b.url, ada.token);
    const work = async (url: string) => {
      await using client = await connect(url, ada.token);
      await newChat(at(url, ada), "titled");
      for (let i = 0; i < 20; i++) {
        await client.socket.emitWithAck("heartbeat", {});
        await client.socket.emitWithAck("usage", { model: "stand-in" });
      }
    };
    await Promise.all([work(a.url), work(b.url)]);
    const before = await received(instances, 1);
    const jobs = Array.from({ length: 40 }, (_, i) => work(i % 2 === 0 ? a.url : b.url));
    const chats = await Promise.all(Array.from({ length: 8 }, async () => {
      const chatId = await newChat(ada, "titled");
      await ask(ada, chatId);
      return chatId;
    }));
    await Promise.all(jobs);
    await until(
      () => chats.every((chatId) => completions(warm, chatId).some(({ data }) => data.data.done)),
      { what: "the answers" },
    );
    const opened = await received(instances, 2) - before;
    say(`S8: ${opened} connections more after 40 visits and 8 answers`);
    // Replicas, sentinels and nodes speak to each other: theirs are not ours.
    assert.ok(opened <= (instances.redis ? 0 : 8), `${opened} new connections`);
  },
);

/** How late Redis is; a busy machine alone makes no echo wait as long. */
const DELAY_MS = 2_500;

async function echoMs({ socket }: Client): Promise<number> {
  const began = performance.now();
  await socket.emitWithAck("usage", { model: "stand-in" });
  return performance.now() - began;
}

inModes(
  ["redis"],
  "S9: with Redis seconds late at A, sign-ins wait, and no socket's echo waits for it",
  async ({ a, b, redis, env }) => {
    assert.ok(redis);
    await using proxy = new TcpProxy(redis.port);
    await using late = await startServer({
      ...env,
      WEBSOCKET_REDIS_URL: `redis://127.0.0.1:${proxy.port}/0`,
    });
    const ada = await signUp(a.url);
    const clients = await Promise.all([
      connect(late.url, ada.token),
      connect(late.url, ada.token),
      connect(b.url, ada.token),
    ]);
    await using _all = new AsyncDisposableStack();
    for (const client of clients) _all.use(client);
    for (const client of clients) await echoMs(client);
    proxy.delayMs = DELAY_MS;
    const signIns = Array.from({ length: 10 }, async () => {
      const began = performance.now();
      await using client = await connect(late.url, ada.token);
      await client.socket.emitWithAck("user-join", { auth: { token: ada.token } });
      return performance.now() - began;
    });
    const over = Promise.all(signIns);
    let isOver = false;
    void over.finally(() => isOver = true).catch(() => {});
    let worstMs = 0;
    let echoes = 0;
    while (!isOver || echoes < 50) {
      for (const client of clients) worstMs = Math.max(worstMs, await echoMs(client));
      echoes++;
      await pause(20);
    }
    const slowest = Math.max(...await over);
    say(
      `S9: ${echoes} echoes while sign-ins took up to ${Math.round(slowest)} ms: worst ${
        worstMs.toFixed(1)
      } ms`,
    );
    assert.ok(slowest > 0.9 * DELAY_MS, "the sign-ins did wait for Redis");
    assert.ok(worstMs < DELAY_MS, `an echo took ${worstMs} ms: it waited for Redis`);
    proxy.delayMs = 0;
  },
);
