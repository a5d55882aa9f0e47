import assert from "node:assert/strict";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { redisAvailable, SentinelSet } from "../support/redis_servers.ts";

Deno.test({
  name: "the Sentinel master dies: no command is lost to its caller",
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
    assert.equal(state.name, "redis sentinel");
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

    const told = lines.map((line) => JSON.parse(line).message);
    assert.ok(told.includes("redis: back, with a new master"));
    assert.notEqual((await set.master()).port, old.port);
    assert.equal((await log.read())[0]?.[0], 0, "what was acknowledged is there");
    assert.ok(await log.length() >= writes.length);
  },
});
