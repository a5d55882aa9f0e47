import assert from "node:assert/strict";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { redisAvailable, SentinelSet } from "../support/redis_servers.ts";
import { until } from "../support/until.ts";

Deno.test({
  name: "the Sentinel master dies: no command is lost to its caller, subscriptions are back",
  ignore: !redisAvailable(),
  async fn() {
    await using set = await SentinelSet.start();
    const { logger, lines } = keepingLogger();
    await using state = await openRedisStore({
      url: set.url,
      sentinelHosts: set.hosts,
      logger,
      commandTimeoutMs: 5_000,
      maxRetryCount: 2,
    });
    assert.equal(state.capabilities.name, "redis sentinel");
    const heard: string[] = [];
    let gaps = 0;
    await using _subscription = await state.subscribe(["channel"], {
      onMessage: (message) => heard.push(message),
      onGap: () => gaps++,
    });
    const log = state.updateLog(["log"]);
    await log.append(Uint8Array.of(0));

    const old = await set.master();
    // The replicas acknowledge the first entry, so that the newest of them has it.
    assert.equal(await old.command("WAIT", "2", "2000"), "2");
    const writes: Promise<number>[] = [];
    let killed = false;
    const load = (async () => {
      for (let i = 1; !killed || i < 60; i++) {
        writes.push(log.append(Uint8Array.of(i & 255)));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await old.kill();
    killed = true;
    await load;
    await Promise.all(writes);

    await until(() => gaps > 0, { limitMs: 10_000, what: "the gap to be told" });
    await state.publish(["channel"], "after");
    await until(() => heard.includes("after"), { what: "a message over the new master" });
    const told = lines.map((line) => JSON.parse(line).message);
    assert.ok(told.includes("redis: back, with a new master"));
    assert.notEqual((await set.master()).port, old.port);
    assert.equal((await log.read())[0]?.[0], 0, "what was acknowledged is there");
    assert.ok(await log.length() >= writes.length);
  },
});
