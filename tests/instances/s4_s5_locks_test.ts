import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import { keys } from "../../lib/state/key_space.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { redisAvailable } from "../support/redis_server.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";
import { inModes, type Instances, openInstances } from "../support/instances.ts";

const SESSION_TIMEOUT_S = 4;
const LOCK_MS = SESSION_TIMEOUT_S * 1_000 / 4;
/** Sweeps come every quarter of the time-out; a lock that was lost costs its own life beside. */
const TWO_CYCLES_MS = 2 * (SESSION_TIMEOUT_S * 1_000 / 4 + LOCK_MS);
const ENV = { SESSION_TIMEOUT: String(SESSION_TIMEOUT_S), WEBSOCKET_HEARTBEAT_INTERVAL: "1" };
const PREFIX = "open-webui:";
const LOCK = `${PREFIX}${keys.sessionCleanupLock.join(":")}`;

const isOfSessions = (line: string) => line.includes('"job":"sessions"');

/** A session whose instance is dead appears; gives how long it stays. */
async function reapedAfterMs({ a }: Instances): Promise<number> {
  const pool = a.services.store.dictionary(keys.sessionPool);
  const sid = crypto.randomUUID();
  const now = Math.floor(Date.now() / 1_000);
  await pool.set(sid, { id: "u", name: "U", last_seen_at: now, instance_id: "dead" });
  const began = performance.now();
  await until(async () => await pool.get(sid) === undefined, {
    what: "the dead instance's session to go",
    limitMs: TWO_CYCLES_MS + 30_000,
    everyMs: 20,
  });
  return performance.now() - began;
}

inModes(
  ["redis"],
  "S4: the lock is stolen, its key deleted, Redis killed in the middle: reaping goes on within two cycles",
  async (instances) => {
    const { redis } = instances;
    assert.ok(redis);
    await reapedAfterMs(instances);
    const faults: [string, () => Promise<unknown>][] = [
      ["key deleted", () => redis.command("DEL", LOCK)],
      // Somebody else holds it for a lock's life, and dies.
      ["stolen", () => redis.command("SET", LOCK, "a thief", "PX", String(LOCK_MS))],
      ["all connections cut", () => redis.command("CLIENT", "KILL", "TYPE", "normal")],
      ["Redis killed", () => redis.restart()],
    ];
    for (const [name, fault] of faults) {
      // Redis-cli's own connection is among those that are cut.
      await fault().catch(() => {});
      const tookMs = await reapedAfterMs(instances);
      say(`S4: ${name}: reaped after ${Math.round(tookMs)} ms`);
    }
  },
  { env: ENV, redisArgs: ["--appendonly", "yes"] },
);

Deno.test({
  name: "S4: Redis is away until every sweep has failed: it goes on in each instance, and is ready",
  ignore: !redisAvailable(),
  async fn() {
    const { logger, lines } = keepingLogger();
    // So that a command is refused after one time limit.
    const env = { ...ENV, REDIS_SENTINEL_MAX_RETRY_COUNT: "0" };
    await using instances = await openInstances("redis", { env, logger });
    const { redis, apps } = instances;
    assert.ok(redis);
    await reapedAfterMs(instances);
    await redis.kill();
    const has = (text: string) => lines.some((line) => line.includes(text) && isOfSessions(line));
    // One instance holds the lock, the other waits for it.
    await until(() => has("sweep lock not renewed") && has("sweep lock failed"), {
      what: "both to fail",
      limitMs: 60_000,
    });
    await redis.restart();
    const areReady = async () => {
      const answers = await Promise.all(apps.map(({ url }) => fetch(`${url}/ready`)));
      await Promise.all(answers.map(({ body }) => body?.cancel()));
      return answers.every(({ ok }) => ok);
    };
    await until(areReady, { what: "both to be ready", limitMs: 60_000 });
    const tookMs = await reapedAfterMs(instances);
    say(`S4: Redis away: reaped after ${Math.round(tookMs)} ms`);
    // As long as a sweep that stands still takes to be seen.
    for (const end = performance.now() + 4 * LOCK_MS; performance.now() < end; await pause(100)) {
      assert.ok(await areReady(), "an instance's sweep stands still");
    }
  },
});

inModes(
  ["redis"],
  "S5: while instances idle, every sweep's lock is there at any moment, and stays its owner's",
  async ({ redis, a, b }) => {
    assert.ok(redis);
    const names = ["session_cleanup_lock", "usage_cleanup_lock", "rt:stream_cleanup_lock"]
      .concat(["rt:task_cleanup_lock", "rt:document_cleanup_lock"])
      .map((name) => PREFIX + name);
    const sample = async () => (await redis.command("MGET", ...names)).split("\n");
    await until(async () => (await sample()).every((owner) => owner !== ""), {
      what: "all locks",
    });
    const owners = await sample();
    let samples = 0;
    const end = performance.now() + 6 * LOCK_MS;
    while (performance.now() < end) {
      assert.deepEqual(await sample(), owners, `sample ${samples}`);
      samples++;
      await pause(10);
    }
    say(`S5: ${samples} samples of ${names.length} locks in three lives of a lock, none absent`);
    await a.stop();
    await until(async () => (await sample()).every((owner) => owner !== ""), {
      what: "the other instance to hold them all",
    });
    await b.stop();
    assert.equal((await sample()).join(""), "", "given back at the stop");
  },
  // Twice as long a life: it is renewed at a third, and this process may stand still for a while.
  { env: { ...ENV, SESSION_TIMEOUT: String(2 * SESSION_TIMEOUT_S) } },
);
