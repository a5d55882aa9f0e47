/** Stops that cross instances over a real Redis, by message alone: nobody polls in these tests. */
import assert from "node:assert/strict";
import { openRedisBus } from "../../lib/bus/redis_bus.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { aborted, pause } from "../../lib/common/pause.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import type { TaskRegistry } from "../../lib/tasks/task_registry.ts";
import { taskSweepJob } from "../../lib/tasks/task_sweep.ts";
import { onBus } from "../support/faulty_bus.ts";
import { ClusterSet, redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { countRecords, me, startInstance, subject } from "./fixture.ts";

const ignore = !redisAvailable();
const NEVER_POLL = { pollMs: 3_600_000 };
const TIMES = { commandTimeoutMs: 1_000, heartbeatMs: 100, maxRetryCount: 40 };

interface Setting {
  server: RedisServer;
  /** In front of instance `a`. */
  proxy: TcpProxy;
  store: StateStore;
  a: TaskRegistry;
  b: TaskRegistry;
}

function test(name: string, args: string[], fn: (setting: Setting) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      await using server = await RedisServer.start(args);
      await using proxy = new TcpProxy(server.port);
      const url = `redis://127.0.0.1:${proxy.port}/0`;
      await using near = await openRedisStore({ url, logger, ...TIMES });
      await using store = await openRedisStore({ url: server.url, logger, ...TIMES });
      await using onA = onBus(await openRedisBus({ url, logger, ...TIMES }));
      await using onB = onBus(await openRedisBus({ url: server.url, logger, ...TIMES }));
      await using a = startInstance(near, "a", { ...NEVER_POLL, commands: onA.commands });
      await using b = startInstance(store, "b", { ...NEVER_POLL, commands: onB.commands });
      await until(async () => await listeners(server) === 2, { what: "both to listen" });
      await fn({ server, proxy, store, a, b });
    },
  });
}

async function listeners(server: RedisServer): Promise<number> {
  const answer = await server.command("PUBSUB", "NUMSUB", "tasks:commands");
  return Number(answer.split("\n").at(-1));
}

async function ends(registry: TaskRegistry, what: string): Promise<void> {
  await until(() => registry.size === 0, { what });
}

test("T1: a stop still arrives after more idle time than any limit has", [], async (all) => {
  const { a, b, store } = all;
  const id = await a.run(subject, aborted);
  // Four time limits of a command, 40 heartbeats: what a minute and more is by default.
  await pause(4 * TIMES.commandTimeoutMs);
  assert.equal((await b.stop(id, me)).status, true);
  await ends(a, "the stop after idling");
  assert.equal(await countRecords(store), 0);
});

test("T1: a stop sent while the subscription is cut ends the task", [], async (all) => {
  const { a, b, server, proxy, store } = all;
  for (let round = 0; round < 3; round++) {
    const id = await a.run(subject, aborted);
    await server.cutPubSub();
    assert.equal((await b.stop(id, me)).status, true);
    await ends(a, "a stop at the moment of the cut");
  }
  const id = await a.run(subject, aborted);
  proxy.cut();
  await until(async () => await listeners(server) === 1, { what: "the cut to be felt" });
  assert.equal((await b.stop(id, me)).status, true);
  assert.equal(a.size, 1, "nobody told the instance");
  proxy.heal();
  await ends(a, "the stop that was missed");
  assert.equal(await countRecords(store), 0);
});

test("T1: a stop during an outage of Redis ends the task when it is back", [
  "--appendonly",
  "yes",
], async ({ a, b, server, store }) => {
  const id = await a.run(subject, aborted);
  await server.kill();
  const stopped = b.stop(id, me);
  assert.equal(await Promise.race([stopped, pause(100)]), undefined, "it waits for Redis");
  assert.equal(a.size, 1);
  await server.restart();
  assert.equal((await stopped).status, true);
  await ends(a, "the stop of the outage");
  await until(async () => await countRecords(store) === 0, { what: "no record" });
});

test("T1: tasks of a Redis that came back empty are listed and stopped again", [], async (all) => {
  const { a, b, server, store } = all;
  const id = await a.run(subject, aborted);
  await server.restart();
  await until(async () => (await b.list(me)).includes(id), { what: "the task to be listed" });
  await until(async () => (await b.listItem("c1", me)).length === 1, { what: "its item" });
  assert.equal((await b.stop(id, me)).status, true);
  await ends(a, "the stop after the restart");
  await until(async () => await countRecords(store) === 0, { what: "no record" });
});

test(
  "T3: of three tasks on two instances the middle one ends by itself, the others are stopped",
  [],
  async (all) => {
    const { a, b, store } = all;
    const middle = Promise.withResolvers<void>();
    await a.run(subject, aborted);
    await a.run(subject, () => middle.promise);
    await b.run(subject, aborted);
    const stopping = b.stopItem("c1", me);
    middle.resolve();
    assert.equal((await stopping).status, true);
    await ends(a, "the tasks of a");
    await ends(b, "the task of b");
    // A stop that was recorded in the moment of the middle one's end is the sweep's.
    await taskSweepJob({ store }).sweep({
      signal: new AbortController().signal,
      deadAmong: () => Promise.resolve(new Set<string>()),
    });
    await until(async () => await countRecords(store) === 0, { what: "no record" });
  },
);

Deno.test({
  name:
    "T2: on a Redis Cluster whose first command is a subscribe, each instance stops the others'",
  ignore,
  async fn() {
    await using cluster = await ClusterSet.start();
    await using stack = new AsyncDisposableStack();
    const instances: TaskRegistry[] = [];
    for (const { url } of cluster.masters) {
      const { commands } = stack.use(onBus(await openRedisBus({ url, cluster: true, logger })));
      const store = stack.use(await openRedisStore({ url, cluster: true, logger }));
      // It subscribes at once, before anything else is asked of Redis.
      const options = { ...NEVER_POLL, commands };
      instances.push(stack.use(startInstance(store, `i${instances.length}`, options)));
    }
    for (const runner of instances) {
      for (const stopper of instances) {
        const id = await runner.run(subject, aborted);
        assert.equal((await stopper.stop(id, me)).status, true);
        await ends(runner, "a stop across the cluster");
      }
    }
  },
});
