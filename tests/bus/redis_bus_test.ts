import assert from "node:assert/strict";
import { openRedisBus, type RedisBusOptions } from "../../lib/bus/redis_bus.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { ClusterSet, redisAvailable, RedisServer, SentinelSet } from "../support/redis_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { runBusContract } from "./support/bus_contract.ts";

const ignore = !redisAvailable();
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

/** Cut in the middle, or standing still: both are outages. */
const TIMES = { commandTimeoutMs: 1_500, connectTimeoutMs: 10_000, heartbeatMs: 500 };

runBusContract("redis", async () => {
  const server = await RedisServer.start();
  return {
    openBus: () => openRedisBus({ url: server.url, logger, ...TIMES }),
    lose: () => server.cutPubSub(),
    takeAway() {
      server.pause();
      return Promise.resolve(() => server.resume());
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}, { ignore });

runBusContract("redis cluster", async () => {
  const set = await ClusterSet.start();
  let opened = 0;
  return {
    openBus: () => {
      const url = set.masters[opened++ % 3]?.url ?? "";
      return openRedisBus({ url, cluster: true, logger, ...TIMES });
    },
    async lose() {
      // Each of the connections that there are, and none that is made anew on the next master.
      const cuts = await Promise.all(set.masters.map((master) => master.pubSubCut()));
      await Promise.all(cuts.map((cut) => cut()));
    },
    takeAway() {
      for (const master of set.masters) master.pause();
      return Promise.resolve(() => set.masters.forEach((master) => master.resume()));
    },
    [Symbol.asyncDispose]: () => set[Symbol.asyncDispose](),
  };
}, { ignore });

runBusContract("redis sentinel", async () => {
  const set = await SentinelSet.start();
  return {
    openBus: () => openRedisBus({ url: set.url, sentinelHosts: set.hosts, logger, ...TIMES }),
    lose: async () => await (await set.master()).cutPubSub(),
    async takeAway() {
      await (await set.master()).kill();
      return () => {};
    },
    [Symbol.asyncDispose]: () => set[Symbol.asyncDispose](),
  };
}, { ignore });

async function opened(port: number, options: Partial<RedisBusOptions> = {}) {
  const { logger, lines } = keepingLogger();
  const bus = await openRedisBus({ url: `redis://127.0.0.1:${port}/0`, logger, ...options });
  const told = (level: string) =>
    lines.map((line) => JSON.parse(line))
      .filter((line) => line.level === level)
      .map(({ message, link }) => `${message} (${link})`);
  return { bus, told };
}

test("S8: two connections, however many channels, own and others' in their order", async () => {
  await using server = await RedisServer.start();
  await using proxy = new TcpProxy(server.port);
  const { bus } = await opened(proxy.port);
  await using _bus = bus;
  const heard: string[] = [];
  const listenings = Array.from({ length: 1_200 }, (_, i) => {
    const channels = i % 2 === 0 ? bus : bus.plain;
    return channels.listen(`channel ${i}`, { onMessage: (text) => void heard.push(text) });
  });
  await Promise.all(listenings.map(({ live }) => live));
  const sent = Array.from({ length: 1_200 }, (_, i) => String(i));
  await Promise.all(
    sent.map((text, i) => (i % 2 === 0 ? bus : bus.plain).publish(`channel ${i}`, text)),
  );
  await until(() => heard.length === 1_200, { what: "all texts" });
  assert.deepEqual(heard, sent);
  assert.equal(proxy.accepted, 2);
  for (const { stop } of listenings) stop();
  await until(async () => await server.command("PUBSUB", "CHANNELS") === "", {
    what: "the channels to be left",
  });
});

test("T1: a cut subscription is back, tells of the gap, and delivers what others publish", async () => {
  await using server = await RedisServer.start();
  const { bus } = await opened(server.port);
  await using _bus = bus;
  const heard: string[] = [];
  let gaps = 0;
  await bus.plain.listen("open-webui:tasks:commands", {
    onMessage: (text) => void heard.push(text),
    onGap: () => gaps++,
  }).live;
  for (let cut = 1; cut <= 3; cut++) {
    await server.cutPubSub();
    await until(() => gaps === cut, { what: "the gap" });
    await server.command("PUBLISH", "open-webui:tasks:commands", String(cut));
    await until(() => heard.length === cut, { what: "the message" });
  }
  assert.deepEqual(heard, ["1", "2", "3"]);
});

test("T1: a subscription whose server went silent is found out", async () => {
  await using server = await RedisServer.start();
  const { bus, told } = await opened(server.port, {
    commandTimeoutMs: 500,
    connectTimeoutMs: 10_000,
    heartbeatMs: 100,
  });
  await using _bus = bus;
  let gaps = 0;
  await bus.listen("channel", { onMessage() {}, onGap: () => gaps++ }).live;
  server.pause();
  await until(() => told("warn").includes("redis: connection lost (bus, listening)"), {
    what: "the silence to be noticed",
  });
  server.resume();
  await until(() => gaps > 0, { what: "the gap to be told" });
});

test("T1: a listener that is behind is not given up while it hears anything", async () => {
  await using server = await RedisServer.start();
  await using proxy = new TcpProxy(server.port);
  const { bus: sender } = await opened(server.port);
  await using _sender = sender;
  const { bus } = await opened(proxy.port, { commandTimeoutMs: 1_000, heartbeatMs: 100 });
  await using _bus = bus;
  const heard: string[] = [];
  let gaps = 0;
  const onMessage = (text: string) => void heard.push(text.slice(0, 3));
  await bus.listen("channel", { onMessage, onGap: () => gaps++ }).live;
  // Some twenty megabytes, 64 KiB every 10 ms: the answer to a heartbeat stands behind them for seconds.
  proxy.delayMs = 10;
  const sent = Array.from({ length: 200 }, (_, n) => String(n).padStart(3, "0"));
  await Promise.all(sent.map((n) => sender.publish("channel", n.padEnd(100_000, "x"))));
  await until(() => heard.length >= sent.length || gaps > 0, { what: "all texts" });
  assert.deepEqual([heard, gaps], [sent, 0]);
});

test("a listener that throws ends nothing; closing does not wait for a silent server", async () => {
  await using server = await RedisServer.start();
  const { bus, told } = await opened(server.port, { commandTimeoutMs: 2_000 });
  const heard: string[] = [];
  const listenings = [
    bus.listen("bad", {
      onMessage() {
        throw new Error("no");
      },
    }),
    bus.listen("good", { onMessage: (text) => void heard.push(text) }),
  ];
  await Promise.all(listenings.map(({ live }) => live));
  for (const channel of ["bad", "good", "bad", "good"]) await bus.publish(channel, channel);
  await until(() => heard.length === 2, { what: "both messages" });
  assert.equal(told("error").length, 2);
  server.pause();
  const waiting = assert.rejects(bus.publish("good", "late"), { code: "unavailable" });
  await bus[Symbol.asyncDispose]();
  await waiting;
});

test("a channel that the Redis user may not hear takes no other with it", async () => {
  await using server = await RedisServer.start();
  const may = ["on", ">secret", "~*", "+@all", "resetchannels", "&open-webui:*"];
  await server.command("ACL", "SETUSER", "limited", ...may);
  const { logger, lines } = keepingLogger();
  const url = `redis://limited:secret@127.0.0.1:${server.port}/0`;
  await using bus = await openRedisBus({ url, logger, ...TIMES });
  const heard: string[] = [];
  const onMessage = (text: string) => void heard.push(text);
  const live = [
    bus.plain.listen("open-webui:tasks:commands", { onMessage }).live,
    bus.listen("own", { onMessage }).live,
  ];
  bus.plain.listen("socketio", { onMessage });
  bus.plain.listen("open-webui:other", { onMessage });
  await Promise.all(live);
  await server.cutPubSub();
  await until(async () => {
    await bus.publish("own", "after");
    return heard.includes("after");
  }, { what: "the others to be heard again", everyMs: 50 });
  assert.ok(lines.some((line) => line.includes("refused a subscription")));
  await assert.rejects(bus.plain.publish("socketio", "x"), { code: "unavailable" });
});

test("T2: over three masters, a stop of Open WebUI's comes from each, in order", async () => {
  await using set = await ClusterSet.start();
  const channel = "open-webui:tasks:commands";
  const open = (i: number) =>
    openRedisBus({ url: set.masters[i]?.url ?? "", cluster: true, logger, ...TIMES });
  await using first = await open(0);
  await using second = await open(1);
  await using third = await open(2);
  const buses = [first, second, third];
  const heard: string[][] = [[], [], []];
  const gaps = [0, 0, 0];
  await Promise.all(buses.map((bus, i) =>
    bus.plain.listen(channel, {
      onMessage: (text) => void heard[i]?.push(text),
      onGap: () => gaps[i] = (gaps[i] ?? 0) + 1,
    }).live
  ));
  for (const [i, bus] of buses.entries()) await bus.plain.publish(channel, `${i}`);
  for (const master of set.masters) await master.command("PUBLISH", channel, `${master.port}`);
  const expected = ["0", "1", "2", ...set.masters.map(({ port }) => `${port}`)].toSorted();
  await until(() => heard.every((texts) => texts.length >= 6), { what: "every stop everywhere" });
  for (const texts of heard) assert.deepEqual(texts.toSorted(), expected);
  const numbers = Array.from({ length: 200 }, (_, i) => `number ${i}`);
  for (const number of numbers) await second.plain.publish(channel, number);
  await until(() => heard.every((texts) => texts.length >= 206), { what: "all numbers" });
  for (const texts of heard) assert.deepEqual(texts.slice(6), numbers, "in order");
  await Promise.all(set.masters.map((master) => master.cutPubSub()));
  await until(() => gaps.every((count) => count > 0), { what: "every bus to hear of its gap" });
  await first.plain.publish(channel, "after");
  await until(() => heard.every((texts) => texts.includes("after")), { what: "to hear again" });
});

test("a cluster master dies: what others publish is heard again", async () => {
  await using set = await ClusterSet.start({ replicas: true });
  await using bus = await openRedisBus({ url: set.url, cluster: true, logger, ...TIMES });
  const heard = new Set<string>();
  await bus.plain.listen("channel", { onMessage: (text) => void heard.add(text) }).live;
  const holders = await Promise.all(
    set.masters.map((master) => master.command("PUBSUB", "CHANNELS")),
  );
  const listenedTo = holders.findIndex((channels) => channels.includes("channel"));
  await set.masters[listenedTo]?.kill();
  const heir = set.replicas[listenedTo];
  await until(async () => await heir?.info("role") === "master", {
    what: "the replica to take over",
    everyMs: 50,
  });
  let number = 0;
  await until(async () => {
    await bus.plain.publish("channel", `after ${number++}`).catch(() => {});
    return heard.size > 0;
  }, { what: "a message after the failover", everyMs: 50 });
});

test("others' channels take texts of 16 Mi characters in one piece", async () => {
  await using server = await RedisServer.start();
  await using bus = await openRedisBus({ url: server.url, logger });
  const large = "x".repeat(16 * 1024 * 1024);
  const heard: string[] = [];
  const listening = bus.plain.listen("c", { onMessage: (text) => void heard.push(text) });
  await listening.live;
  await bus.plain.publish("c", large);
  await until(() => heard.length === 1, { what: "the large text", limitMs: 30_000 });
  assert.ok(heard[0] === large);
  await assert.rejects(bus.plain.publish("c", large + "x"), { code: "too_large" });
});
