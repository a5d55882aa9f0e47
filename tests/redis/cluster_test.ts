import assert from "node:assert/strict";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { ClusterSet, redisAvailable } from "../support/redis_servers.ts";
import { until } from "../support/until.ts";

const ignore = !redisAvailable();

function open(set: ClusterSet) {
  const { logger } = keepingLogger();
  return openRedisStore({ url: set.url, cluster: true, logger, commandTimeoutMs: 4_000 });
}

Deno.test({
  name: "S8: a cluster store keeps its connections: one a master",
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
      what: "the replica to take over",
      everyMs: 50,
    });
    await state.values.set(["after"], 1);
    over = true;
    await load;
    await Promise.all(writes);
  },
});
