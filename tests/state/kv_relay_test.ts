import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { kvConnectAvailable, KvConnectServer } from "../support/kv_connect_server.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";

const url = (path: string) => new URL(`../../lib/${path}`, import.meta.url).href;

/** Another process on the same file: it answers what it hears on `ask`, backwards through `answer`. */
const ANSWERING = `
import { silentLogger as logger } from "${url("common/logger.ts")}";
import { openKvStore } from "${url("state/kv_store.ts")}";
const store = await openKvStore({ path: Deno.args[0], keyPrefix: "t", logger });
await store.subscribe(["ask"], {
  onMessage: (text) => void store.publish(["answer"], text.length > 99 ? text : "re: " + text),
});
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
await store[Symbol.asyncDispose]();
`;

async function startAnswering(path: string) {
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/main.ts`, ANSWERING);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--no-lock", "-c", config, `${dir}/main.ts`, path],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  return {
    async [Symbol.asyncDispose]() {
      await child.stdin.close().catch(() => {});
      await child.status;
      await reader.cancel();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Processes that share the database at `path` hear each other. */
async function hearEachOther(path: string, publishes: "polled" | "pushed"): Promise<void> {
  await using store = await openKvStore({ path, keyPrefix: "t", logger });
  assert.equal(store.capabilities.publishes, publishes);
  const heard: string[] = [];
  let gaps = 0;
  await using _subscription = await store.subscribe(["answer"], {
    onMessage: (text) => heard.push(text),
    onGap: () => gaps++,
  });
  // Nobody is there to read it, so nothing is written.
  await store.publish(["ask"], "into the void");
  await using _other = await startAnswering(path);
  for (let n = 0; n < 500; n++) void store.publish(["ask"], String(n));
  await until(() => heard.length >= 500, { what: "the answers" });
  assert.deepEqual(heard, Array.from({ length: 500 }, (_, n) => `re: ${n}`));
  const large = "é😀".repeat(150_000);
  await store.publish(["ask"], large);
  await until(() => heard.length >= 501, { what: "the large answer" });
  assert.ok(heard[500] === large);
  assert.equal(gaps, 0);
  await assert.rejects(store.publish(["ask"], "x".repeat(1_048_577)), { code: "too_large" });
}

Deno.test("processes on one file hear each other: in order, once, large ones whole", async () => {
  await using folder = await tempFolder();
  await hearEachOther(`${folder.path}/kv`, "polled");
});

Deno.test({
  name: "processes on one KV Connect server hear each other: in order, once, large ones whole",
  ignore: !kvConnectAvailable(),
  async fn() {
    await using server = await KvConnectServer.start();
    await hearEachOther(server.url, "pushed");
  },
});

Deno.test("a log with a hole makes a gap that is told, and the rest arrives", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/kv`;
  {
    await using store = await openKvStore({ path, keyPrefix: "t", logger });
    const heard: string[] = [];
    let gaps = 0;
    await using _subscription = await store.subscribe(["c"], {
      onMessage: (text) => heard.push(text),
      onGap: () => gaps++,
    });
    const kv = await Deno.openKv(path);
    const channel = JSON.stringify(["c"]);
    const log = (n: number) => ["t", "relay", "log", "w", n];
    await kv.atomic()
      .set(["t", "relay", "head", "w"], [3, "a"])
      .set(log(1), [channel, "begun and", true])
      .set(log(3), [channel, "third", false])
      .commit();
    kv.close();
    await until(() => heard.length > 0, { what: "the rest" });
    assert.deepEqual(heard, ["third"]);
    assert.equal(gaps, 1);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("what a process says last is heard, though it is gone", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/kv`;
  {
    await using store = await openKvStore({ path, keyPrefix: "t", logger });
    const heard: string[] = [];
    await using _subscription = await store.subscribe(["c"], {
      onMessage: (text) => heard.push(text),
    });
    {
      await using other = await openKvStore({ path, keyPrefix: "t", logger });
      await other.publish(["c"], "goodbye");
    }
    await until(() => heard.length > 0, { what: "the goodbye" });
    assert.deepEqual(heard, ["goodbye"]);
  }
  await Deno.remove(dir, { recursive: true });
});
