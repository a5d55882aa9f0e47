import assert from "node:assert/strict";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { ClusterSet, redisAvailable } from "../support/redis_servers.ts";
import { until } from "../support/until.ts";

const ignore = !redisAvailable();

function open(set: ClusterSet, node = 0) {
  const { logger } = keepingLogger();
  const url = set.masters[node]?.url ?? "";
  return openRedisStore({ url, cluster: true, logger, commandTimeoutMs: 4_000 });
}

Deno.test({
  name: "T2: over three masters, subscribe is the first command, and a stop comes from each",
  ignore,
  async fn() {
    await using set = await ClusterSet.start();
    await using first = await open(set, 0);
    await using second = await open(set, 1);
    await using third = await open(set, 2);
    const stores = [first, second, third];
    const heard: string[][] = [[], [], []];
    const gaps = [0, 0, 0];
    const subscriptions = await Promise.all(
      stores.map((store, i) =>
        store.subscribe(["tasks", "commands"], {
          onMessage: (message) => heard[i]?.push(message),
          onGap: () => gaps[i] = (gaps[i] ?? 0) + 1,
        })
      ),
    );
    for (const [i, store] of stores.entries()) await store.publish(["tasks", "commands"], `${i}`);
    for (const master of set.masters) {
      await master.command("PUBLISH", "open-webui:tasks:commands", `${master.port}`);
    }
    const expected = ["0", "1", "2", ...set.masters.map(({ port }) => `${port}`)].toSorted();
    await until(() => heard.every((messages) => messages.length >= 6), {
      what: "every store to hear every stop",
    });
    for (const messages of heard) assert.deepEqual(messages.toSorted(), expected);
    const numbers = Array.from({ length: 200 }, (_, i) => `number ${i}`);
    for (const number of numbers) await second.publish(["tasks", "commands"], number);
    await until(() => heard.every((messages) => messages.length >= 206), { what: "all numbers" });
    for (const messages of heard) assert.deepEqual(messages.slice(6), numbers, "in order");
    await Promise.all(set.masters.map((master) => master.cutPubSub()));
    await until(() => gaps.every((count) => count > 0), { what: "every store to hear of its gap" });
    await first.publish(["tasks", "commands"], "after");
    await until(() => heard.every((messages) => messages.includes("after")), {
      what: "every store to hear again",
    });
    await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  },
});

Deno.test({
  name: "S8: a cluster store keeps its connections: one a master, and one that listens",
  ignore,
  async fn() {
    await using set = await ClusterSet.start();
    await using state = await open(set);
    const received = async () => {
      const counts = await Promise.all(
        set.masters.map((master) => master.info("total_connections_received")),
      );
      return counts.reduce((sum, count) => sum + Number(count), 0);
    };
    const work = () =>
      Promise.all(Array.from({ length: 300 }, async (_, i) => {
        await state.values.set(["value", String(i)], i);
        await state.countHit(["ratelimit", String(i)], { windowMs: 6_000, bucketMs: 1_000 });
      }));
    await work();
    const before = await received();
    for (let round = 0; round < 5; round++) await work();
    // Each of the two looks at the counters is itself one connection a master.
    assert.equal(await received() - before, set.masters.length);
  },
});

Deno.test({
  name: "a cluster master dies: its replica takes over, no command is lost to its caller",
  ignore,
  async fn() {
    await using set = await ClusterSet.start({ replicas: true });
    await using state = await open(set);
    const heard = new Set<string>();
    await using _subscription = await state.subscribe(["channel"], {
      onMessage: (message) => heard.add(message),
    });
    await state.values.set(["warm"], 0);
    const writes: Promise<void>[] = [];
    let over = false;
    const load = (async () => {
      for (let i = 0; !over; i++) {
        writes.push(state.values.set(["value", String(i % 50)], i));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await set.masters[1]?.kill();
    const heir = set.replicas[1];
    await until(async () => await heir?.info("role") === "master", {
      limitMs: 10_000,
      what: "the replica to take over",
      everyMs: 50,
    });
    await state.values.set(["after"], 1);
    over = true;
    await load;
    await Promise.all(writes);
    let number = 0;
    await until(async () => {
      await state.publish(["channel"], `after ${number++}`);
      return heard.size > 0;
    }, { limitMs: 10_000, what: "a message after the failover", everyMs: 50 });
  },
});
