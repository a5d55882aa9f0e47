import assert from "node:assert/strict";
import { openKvBus } from "../../lib/bus/kv_bus.ts";
import { KvRelay } from "../../lib/bus/kv_relay.ts";
import { KvRelayLog } from "../../lib/bus/kv_relay_log.ts";
import { LocalChannels } from "../../lib/bus/local_channels.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { KvClient } from "../../lib/state/kv_client.ts";
import { openKvDatabase } from "../../lib/state/kv_database.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { kvConnectAvailable, KvConnectServer } from "../support/kv_connect_server.ts";
import { over, withCommits } from "../support/kv_faults.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";
import { KvBuses } from "./support/kv_buses.ts";

const url = (path: string) => new URL(`../../lib/${path}`, import.meta.url).href;

/** Another process on the same file: it answers what it hears on `ask`, backwards through `answer`. */
const ANSWERING = `
import { silentLogger as logger } from "${url("common/logger.ts")}";
import { openKvBus } from "${url("bus/kv_bus.ts")}";
import { openKvDatabase } from "${url("state/kv_database.ts")}";
const database = await openKvDatabase(Deno.args[0]);
const bus = await openKvBus({ database, keyPrefix: "t", logger });
bus.listen("ask", { onMessage: (text) => void bus.publish("answer", "re: " + text) });
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
await bus[Symbol.asyncDispose]();
await database.client.close();
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

/** Processes that share the database at `path` hear each other, beside a store on it. */
async function hearEachOther(path: string): Promise<void> {
  await using store = await openKvStore({ path, keyPrefix: "t", logger });
  const { database } = store;
  await using bus = await openKvBus({ database, keyPrefix: "t", logger });
  const heard: string[] = [];
  let gaps = 0;
  await bus.listen("answer", { onMessage: (text) => void heard.push(text), onGap: () => gaps++ })
    .live;
  assert.equal(bus.isAlone?.(), true);
  // Nobody is there to read it, so nothing is written.
  await bus.publish("ask", "into the void");
  await using _other = await startAnswering(path);
  for (let n = 0; n < 500; n++) void bus.publish("ask", String(n));
  await until(() => heard.length >= 500, { what: "the answers" });
  assert.deepEqual(heard, Array.from({ length: 500 }, (_, n) => `re: ${n}`));
  const large = "é".repeat(bus.maxChars - 10);
  await bus.publish("ask", large);
  await until(() => heard.length >= 501, { what: "the large answer" });
  assert.ok(heard[500] === `re: ${large}`);
  assert.equal(gaps, 0);
}

Deno.test("processes on one file hear each other: in order, once, the largest whole", async () => {
  await using folder = await tempFolder();
  await hearEachOther(`${folder.path}/kv`);
});

Deno.test({
  name: "processes on one KV Connect server hear each other: in order, once, the largest whole",
  ignore: !kvConnectAvailable(),
  async fn() {
    await using server = await KvConnectServer.start();
    await hearEachOther(server.url);
  },
});

Deno.test("a log with a hole makes a gap that is told, and the rest arrives", async () => {
  await using buses = await KvBuses.onFile();
  const bus = await buses.openBus();
  const heard: string[] = [];
  let gaps = 0;
  await bus.listen("c", { onMessage: (text) => void heard.push(text), onGap: () => gaps++ }).live;
  await buses.lose("c");
  await until(() => heard.length > 1, { what: "the rest" });
  assert.deepEqual(heard, ["first", "third"]);
  assert.equal(gaps, 1);
});

Deno.test("what a process says last is heard, though it is gone", async () => {
  await using buses = await KvBuses.onFile();
  const bus = await buses.openBus();
  const heard: string[] = [];
  await bus.listen("c", { onMessage: (text) => void heard.push(text) }).live;
  {
    await using other = await buses.openBus();
    await other.publish("c", "goodbye");
  }
  await until(() => heard.length > 0, { what: "the goodbye" });
  assert.deepEqual(heard, ["goodbye"]);
});

Deno.test("a commit that was given up, and is carried out after the next, does not set the log back", async () => {
  using kv = await Deno.openKv(":memory:");
  let late: (() => Promise<unknown>) | undefined;
  let losesNext = false;
  const client = new KvClient(withCommits(kv, (run) => {
    if (!losesNext) return run();
    losesNext = false;
    late = run;
    return Promise.reject(new Error("no answer"));
  }));
  const log = new KvRelayLog(client, "t");
  const reader = new KvRelayLog(new KvClient(kv), "t");
  const read = async () => {
    const [head] = await reader.heads();
    return {
      last: head?.last,
      texts: (await reader.read(log.writer, 0, head?.last ?? 0)).map(({ text }) => text),
    };
  };
  await log.append("c", "one");
  losesNext = true;
  await assert.rejects(log.append("c", "two"), { code: "unavailable" });
  await log.append("c", "three");
  await late?.();
  assert.deepEqual(await read(), { last: 3, texts: ["one", "three"] });
  // As much as when the lost commit was made at once.
  losesNext = true;
  await assert.rejects(log.append("c", "four"), { code: "unavailable" });
  await late?.();
  await log.append("c", "five");
  assert.deepEqual(await read(), { last: 5, texts: ["one", "three", "four", "five"] });
});

Deno.test("a watch that has fallen silent is replaced", async () => {
  using kv = await Deno.openKv(":memory:");
  let watches = 0;
  const deafAtFirst = over(kv, {
    watch: ((keys: Deno.KvKey[]) =>
      ++watches > 1 ? kv.watch(keys) : new ReadableStream()) as Deno.Kv["watch"],
  });
  const memory = await openKvDatabase(":memory:");
  await memory.client.close();
  const relayOn = (on: Deno.Kv) => {
    const local = new LocalChannels(logger);
    const database = {
      ...memory,
      client: new KvClient(on),
      isRemote: true,
      openWatched: () => Promise.resolve(over(on, { close: () => {} })),
    };
    return { local, relay: new KvRelay({ database, prefix: "t", local, logger }) };
  };
  const { relay: deaf, local } = relayOn(deafAtFirst);
  const { relay: other } = relayOn(kv);
  await using stack = new AsyncDisposableStack();
  const heard: { text: string; atMs: number }[] = [];
  local.listen("c", {
    onMessage: (text) => void heard.push({ text, atMs: performance.now() }),
  });
  await deaf.start();
  stack.use(deaf);
  await other.start();
  stack.use(other);
  await other.publish("c", "unheard");
  await until(() => heard.length === 1, { what: "what only asking brings" });
  await until(() => watches === 2, { what: "a new watch" });
  await until(() => !deaf.isTold, { what: "the doubt" });
  await other.publish("c", "heard");
  await until(() => deaf.isTold, { what: "the watch to tell" });
  await until(() => heard.length === 2, { what: "what the new watch tells" });
  assert.deepEqual(heard.map(({ text }) => text), ["unheard", "heard"]);
});
