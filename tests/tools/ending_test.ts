import assert from "node:assert/strict";
import { redisAvailable } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const support = (name: string) => new URL(`../support/${name}`, import.meta.url).href;

/** A task that starts what tasks start, says which processes and folders those are, and never ends. */
const TASK = `
  const { endOnSignals } = await import("${support("ending.ts")}");
  const { RedisServer } = await import("${support("redis_server.ts")}");
  const { startServerProcess } = await import("${support("server_process.ts")}");
  const { tempFolder } = await import("${support("temp_folder.ts")}");
  endOnSignals();
  const { path } = await tempFolder();
  const redis = await RedisServer.start();
  const server = await startServerProcess({ DENO_KV_PATH: path + "/store.kv" });
  const redisPid = Number(await redis.info("process_id"));
  console.log(JSON.stringify({ pids: [redisPid, server.pid], path }));
  await new Promise((resolve) => setTimeout(resolve, 60_000));
`;

const isThere = (path: string) => Deno.stat(path).then(() => true, () => false);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  const name = `a task that is ended by ${signal} alone leaves no process and no folder behind`;
  Deno.test({ name, ignore: !redisAvailable() }, async () => {
    const task = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", TASK],
      cwd: new URL("../..", import.meta.url),
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let said = "";
    const reading = (async () => {
      for await (const text of task.stdout.pipeThrough(new TextDecoderStream())) said += text;
    })();
    await until(() => said.includes("\n"), { what: "the task to begin", limitMs: 30_000 });
    const { pids, path } = JSON.parse(said) as { pids: number[]; path: string };
    for (const pid of pids) assert.ok(await isThere(`/proc/${pid}`));
    task.kill(signal);
    const { code } = await task.status;
    await reading;
    assert.equal(code, signal === "SIGINT" ? 130 : 143);
    for (const pid of pids) assert.equal(await isThere(`/proc/${pid}`), false, `process ${pid}`);
    assert.equal(await isThere(path), false, "the folder");
  });
}
