import assert from "node:assert/strict";
import { type InstanceProcess, Instances } from "../../lib/app/instances.ts";
import { createLogger } from "../../lib/common/logger.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { until } from "../support/until.ts";

const logger = createLogger({ level: "error", write: () => {} });

/** Each wait is once to twice the one before: after so many it is the longest, whatever chance says. */
const STARTS = 25;

Deno.test("an instance that ends is started again, later each time; a stop starts nothing", async () => {
  const startedAtMs: number[] = [];
  const signals: string[] = [];
  let alive: (() => void) | undefined;
  const instances = new Instances({
    count: 1,
    logger,
    restartWait: { firstMs: 1, maxMs: 100 },
    spawn(): InstanceProcess {
      startedAtMs.push(performance.now());
      const { promise, resolve } = Promise.withResolvers<{ code: number }>();
      if (startedAtMs.length < STARTS) resolve({ code: 1 });
      else alive = () => resolve({ code: 0 });
      return {
        pid: startedAtMs.length,
        status: promise,
        kill(signal) {
          signals.push(signal);
          alive?.();
        },
      };
    },
  });
  await until(() => alive, { what: "the last start" });
  assert.deepEqual(instances.pids, [STARTS]);
  const waits = startedAtMs.slice(1).map((atMs, index) => atMs - (startedAtMs[index] ?? 0));
  // Of a millisecond at first; half of the longest is sure, and a busy machine may add to any.
  assert.ok((waits.at(-1) ?? 0) >= 40, `${waits}`);
  await instances.stop("SIGTERM");
  assert.deepEqual(signals, ["SIGTERM"]);
  assert.equal(startedAtMs.length, STARTS);
});

const FLAGS = ["--quiet", "--no-prompt", "-P=start", "--allow-read", "--allow-write"];

/** Which processes answer on the port, by the log of all of them. */
function listening(server: ServerProcess): string[] {
  return server.lines().filter(({ message }) => message.startsWith("listening on")).map((line) =>
    (line as unknown as { instance: string }).instance
  );
}

function childPids(server: ServerProcess): number[] {
  const line = server.lines().find(({ message }) => message === "instances are started");
  return (line as unknown as { pids: number[] }).pids;
}

function isAlive(pid: number): boolean {
  try {
    // Ends nobody: it only goes on, if it is there.
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "INSTANCES=2: two processes on one port; one that dies comes back; they end with the parent",
  ignore: !await redisAvailable(),
  async fn() {
    await using redis = await RedisServer.start();
    const port = freePort();
    const env = {
      INSTANCES: "2",
      PORT: `${port}`,
      WEBSOCKET_MANAGER: "redis",
      WEBSOCKET_REDIS_URL: redis.url,
    };
    const start = () =>
      startServerProcess(env, [...FLAGS, "--allow-run=deno"], {
        args: ["--allow-read", "--allow-write"],
      });
    {
      await using server = await start();
      await until(() => listening(server).length === 2, { limitMs: 30_000, what: "both" });
      const [first = 0, second = 0] = childPids(server);
      Deno.kill(first, "SIGKILL");
      await until(() => listening(server).length === 3, { limitMs: 30_000, what: "the third" });
      for (let asked = 0; asked < 10; asked++) {
        const answer = await fetch(`${server.url}/health`, { headers: { connection: "close" } });
        assert.deepEqual(await answer.json(), { status: true });
      }
      server.kill("SIGTERM");
      assert.equal((await server.status).code, 0);
      assert.ok(!isAlive(first) && !isAlive(second));
    }
    {
      await using server = await start();
      await until(() => listening(server).length === 2, { limitMs: 30_000, what: "both again" });
      const pids = childPids(server);
      server.kill("SIGKILL");
      await until(() => !pids.some(isAlive), { limitMs: 30_000, what: "the orphans' end" });
    }
  },
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
