import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { SilenceWatch } from "../../lib/redis/silence_watch.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const ignore = !redisAvailable();

/** A client whose server is behind a proxy, and how it ends. */
async function connect(port: number, watch: SilenceWatch, timeoutMs = 500) {
  const client = new Redis({
    host: "127.0.0.1",
    port,
    lazyConnect: true,
    retryStrategy: () => null,
  });
  const errors: string[] = [];
  client.on("error", (error: Error) => errors.push(error.message));
  watch.add(client, timeoutMs);
  await client.connect();
  const ended = new Promise<void>((resolve) => client.once("end", () => resolve()));
  return { client, errors, ended };
}

Deno.test({
  name: "a connection whose other end owes an answer and says nothing ends; what waits is told",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    await using proxy = new TcpProxy(server.port);
    const { client, errors, ended } = await connect(proxy.port, new SilenceWatch());
    assert.equal(await client.ping(), "PONG");
    proxy.delayMs = 60_000;
    const beganMs = performance.now();
    await assert.rejects(client.ping());
    await ended;
    assert.ok(performance.now() - beganMs >= 500, "not before its time");
    assert.ok(errors.some((message) => message.includes("said nothing for 500 ms")), `${errors}`);
  },
});

Deno.test({
  name: "a connection that owes nothing, or answers slowly, stays",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    await using proxy = new TcpProxy(server.port);
    const { client, errors, ended } = await connect(proxy.port, new SilenceWatch());
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    proxy.delayMs = 200;
    for (let i = 0; i < 12; i++) assert.equal(await client.ping(), "PONG");
    assert.deepEqual(errors, []);
    client.disconnect();
    await ended;
  },
});

Deno.test({
  name: "a connection is not blamed for the time in which this process stood still",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    const { client, errors, ended } = await connect(server.port, new SilenceWatch(), 1_500);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const answer = client.blpop("nothing", 1.5);
    // The look at two seconds finds it silent.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const untilMs = performance.now() + 2_000;
    while (performance.now() < untilMs);
    assert.equal(await answer, null);
    assert.deepEqual(errors, []);
    client.disconnect();
    await ended;
  },
});
