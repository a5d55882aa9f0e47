import assert from "node:assert/strict";
import { openRedisBus } from "../../lib/bus/redis_bus.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { ClusterSet, redisAvailable, RedisServer, SentinelSet } from "../support/redis_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { until } from "../support/until.ts";
import { type Instance, startInstance, startInstances, take2 } from "./support/instances.ts";

const ignore = !redisAvailable();
const pauseMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A local event arrives. */
async function hearsItself(instance: Instance): Promise<void> {
  const x = await instance.join("local");
  instance.io.to("local").emit("said", "here");
  await until(() => x.heard.length === 1, { everyMs: 1, what: "the local event" });
}

Deno.test({
  name:
    "10.8: an event reaches the instances that have someone in the room, and costs the others nothing",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    const openBus = () => openRedisBus({ url: server.url, logger });
    for (const count of [2, 4, 8]) {
      await using instances = await startInstances(openBus, count, { heartbeatMs: 60_000 });
      const [a, b] = take2(instances);
      const y = await b.join("r");
      for (const other of instances.slice(2)) await other.join("elsewhere");
      const before = await Promise.all(instances.map(({ cluster }) => cluster.stats()));
      for (let n = 0; n < 500; n++) a.io.to("r").emit("said", "x".repeat(200));
      await until(() => y.heard.length === 500, { what: "the events" });
      const after = await Promise.all(instances.map(({ cluster }) => cluster.stats()));
      const chars = after.map((stats, i) => stats.receivedChars - (before[i]?.receivedChars ?? 0));
      assert.ok((chars[1] ?? 0) > 100_000);
      assert.deepEqual(chars.slice(2), new Array(count - 2).fill(0));
      assert.equal(chars[0], 0, "nor does it come back");
    }
  },
});

Deno.test({
  name: "Redis stands still: local events go on at once, the others arrive later, each once",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    const openBus = () => openRedisBus({ url: server.url, logger, commandTimeoutMs: 900 });
    await using instances = await startInstances(openBus, 2, { joinTimeoutMs: 1_000 });
    const [a, b] = take2(instances);
    const y = await b.join("r");
    server.pause();
    for (let n = 0; n < 50; n++) a.io.to("r").emit("said", n);
    await hearsItself(a);
    await pauseMs(1_000);
    await hearsItself(a);
    assert.deepEqual(y.heard, [], "Redis stands still, so nothing can have waited for it");
    server.resume();
    await until(() => y.heard.length >= 50, { what: "the delayed events" });
    a.io.to("r").emit("said", 50);
    await until(() => y.heard.includes(50), { what: "a new event" });
    assert.deepEqual(y.heard, Array.from({ length: 51 }, (_, n) => n));
    assert.ok((await a.cluster.stats()).retries > 0);
  },
});

Deno.test({
  name: "the bus is cut: what crosses waits within bounds, then rooms old and new are heard again",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    await using proxy = new TcpProxy(server.port);
    const { logger: keeping, lines } = keepingLogger();
    let gaps = 0;
    const options = { joinTimeoutMs: 1_000, logger: keeping };
    await using a = await startInstance(
      () => openRedisBus({ url: `redis://127.0.0.1:${proxy.port}/0`, logger }),
      { ...options, maxMessages: 20, onGap: () => gaps++ },
    );
    await using b = await startInstance(() => openRedisBus({ url: server.url, logger }));
    const x = await a.join("r");
    const y = await b.join("r");
    proxy.cut();
    const during = await a.join("during");
    await hearsItself(a);
    for (let n = 0; n < 500; n++) a.io.to("r").emit("said", n);
    const stats = await a.cluster.stats();
    assert.ok(stats.dropped >= 470 && stats.pendingMessages <= 20);
    await until(() => x.heard.length === 500, { what: "the local events" });
    proxy.heal();
    await until(() => gaps === 1, { what: "the gap to be told" });
    await until(async () => (await a.cluster.stats()).pendingMessages === 0, {
      what: "the queue to empty",
    });
    b.io.to("r").emit("said", "old");
    b.io.to("during").emit("said", "new");
    await until(() => x.heard.includes("old") && during.heard.includes("new"), {
      what: "the rooms",
    });
    const tail = y.heard.slice();
    assert.deepEqual(tail, tail.toSorted((m, n) => Number(m) - Number(n)), "in order");
    const dropping = lines.filter((line) => line.includes("are dropped"));
    assert.equal(dropping.length, 1, "one line an outage");
  },
});

Deno.test({
  name: "a server that knows no sharded channels is served by ordinary ones",
  ignore,
  async fn() {
    await using server = await RedisServer.start([
      "--rename-command",
      "SPUBLISH",
      "",
      "--rename-command",
      "SSUBSCRIBE",
      "",
    ]);
    const openBus = () => openRedisBus({ url: server.url, logger });
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    assert.match(a.bus.name, /not sharded/);
    const y = await b.join("r");
    a.io.to("r").emit("said", 1);
    await until(() => y.heard.length === 1, { what: "the event" });
  },
});

Deno.test({
  name: "an instance that speaks to one room only is not taken for dead by the others",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    const openBus = () => openRedisBus({ url: server.url, logger });
    // Long enough that none is taken for dead because this process stood still.
    const options = { heartbeatMs: 100, heartbeatTimeoutMs: 1_500 };
    await using instances = await startInstances(openBus, 3, options);
    const [a, b] = take2(instances);
    await a.join("r");
    // The others look once a second who is silent.
    const end = performance.now() + 4_000;
    while (performance.now() < end) {
      a.io.to("r").emit("said", 1);
      await pauseMs(20);
      assert.equal((await b.cluster.stats()).instances, 3);
    }
  },
});

/** Room event, ack and members, before and after. */
async function survives(
  openBus: () => ReturnType<typeof openRedisBus>,
  failOver: () => Promise<void>,
): Promise<void> {
  await using instances = await startInstances(openBus, 2, { heartbeatTimeoutMs: 30_000 });
  const [a, b] = take2(instances);
  const y = await b.join("r");
  const works = async (what: string) => {
    await until(() => (a.io.to("r").emit("said", what), y.heard.includes(what)), {
      limitMs: 60_000,
      everyMs: 100,
      what: `a room event ${what}`,
    });
    await until(
      () =>
        a.io.to(y.sid).timeout(1_000).emitWithAck("asked", what).then(
          (answers) => answers.length === 1,
          () => false,
        ),
      { limitMs: 60_000, what: `an ack ${what}` },
    );
    assert.equal((await a.io.in("r").fetchSockets()).length, 1);
  };
  await works("before");
  await failOver();
  await works("after");
  const late = await b.join("late");
  a.io.to("late").emit("said", 1);
  await until(() => late.heard.length === 1, { what: "a new room's event" });
}

Deno.test({
  name: "Sentinel: events cross, also after a failover",
  ignore,
  async fn() {
    await using set = await SentinelSet.start();
    const openBus = () => openRedisBus({ url: set.url, sentinelHosts: set.hosts, logger });
    await survives(openBus, async () => await (await set.master()).kill());
  },
});

Deno.test({
  name: "Cluster: events cross on one shard, also after its master died",
  ignore,
  async fn() {
    await using set = await ClusterSet.start({ replicas: true });
    const openBus = () => openRedisBus({ url: set.url, cluster: true, logger, heartbeatMs: 500 });
    await survives(openBus, async () => {
      const channels = await Promise.all(
        set.masters.map((master) => master.command("PUBSUB", "SHARDCHANNELS")),
      );
      const owners = set.masters.filter((_, i) => channels[i]?.includes("{bus}"));
      assert.equal(owners.length, 1);
      await owners[0]?.kill();
    });
  },
});
