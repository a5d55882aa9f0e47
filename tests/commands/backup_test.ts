import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { SCHEMA_VERSION } from "../../lib/state/schema.ts";
import { personAt, signUp } from "../support/server.ts";
import { startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";
import { runTask } from "./support.ts";

const CHATS = 400;

Deno.test("O15: a backup under load lacks nothing that was acknowledged, and a restore brings it back", async () => {
  await using folder = await tempFolder();
  const env = { DENO_KV_PATH: `${folder.path}/store.kv` };
  const file = `${folder.path}/backups/one.kv`;
  let before: string[];
  let ada: { id: string; token: string; role: string };
  {
    await using server = await startServerProcess(env);
    const person = await signUp(server.url);
    ada = person;
    const acknowledged: string[] = [];
    const writing = new AbortController();
    const write = async () => {
      while (!writing.signal.aborted) {
        const body = { chat: { title: `chat ${acknowledged.length}` } };
        acknowledged.push((await person.json<Chat>("POST", "/api/v1/chats/new", body)).id);
      }
    };
    const writers = Promise.all(Array.from({ length: 8 }, write));
    await until(() => acknowledged.length >= CHATS, { what: "chats", limitMs: 60_000 });
    before = [...acknowledged];
    const { code, said } = await runTask("backup", [file], env);
    writing.abort();
    await writers;
    assert.equal(code, 0, said);
    assert.match(said, /one\.kv: .*entries, form \d+; every page is whole/);
    // A server that runs keeps its store.
    const refused = await runTask("restore", [file], env);
    assert.equal(refused.code, 1);
    assert.match(refused.said, /A server uses .*store\.kv: stop all that do/);
    assert.equal(await person.status("GET", `/api/v1/chats/${before[0]}`), 200);
  }
  assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  await using other = await tempFolder();
  const elsewhere = { DENO_KV_PATH: `${other.path}/store.kv` };
  const restored = await runTask("restore", [file], elsewhere);
  assert.equal(restored.code, 0, restored.said);
  await using server = await startServerProcess(elsewhere);
  const back = personAt(server.url, ada);
  const missing = [];
  for (const id of before) {
    if (await back.status("GET", `/api/v1/chats/${id}`) !== 200) missing.push(id);
  }
  assert.deepEqual(missing, []);
});

async function storeWith(path: string, version: number): Promise<void> {
  await using store = await openKvStore({ path, keyPrefix: "open-webui", logger });
  await store.values.set(keys.schema, { version, written_by: "9.9.9" });
}

async function versionAt(path: string): Promise<number | undefined> {
  await using store = await openKvStore({ path, keyPrefix: "open-webui", logger });
  return (await store.values.get(keys.schema))?.version;
}

Deno.test("O15: a restore keeps what was there, and takes nothing damaged, foreign or newer", async () => {
  await using folder = await tempFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  const env = { DENO_KV_PATH: at("store.kv") };
  await storeWith(at("store.kv"), 1);
  await storeWith(at("good.kv"), SCHEMA_VERSION);
  await storeWith(at("newer.kv"), SCHEMA_VERSION + 1);
  await Deno.writeTextFile(at("text.kv"), "nothing of the kind, and long enough".repeat(200));
  for (
    const [name, said] of Object.entries({
      "none.kv": /There is no backup at .*none\.kv/,
      "text.kv": /text\.kv can't be copied/,
      "newer.kv": /written by a newer version.*9\.9\.9/,
    })
  ) {
    const refused = await runTask("restore", [at(name)], env);
    assert.equal(refused.code, 1);
    assert.match(refused.said, said);
    assert.equal(await versionAt(at("store.kv")), 1);
  }
  const { code, said } = await runTask("restore", [at("good.kv")], env);
  assert.equal(code, 0, said);
  assert.equal(await versionAt(at("store.kv")), SCHEMA_VERSION);
  const kept = /is kept: (\S+)/.exec(said)?.[1] ?? "";
  assert.equal(await versionAt(kept), 1);

  await storeWith(at("store.kv"), SCHEMA_VERSION + 1);
  const refused = await runTask("restore", [at("good.kv")], env);
  assert.equal(refused.code, 1);
  assert.match(refused.said, /written by a newer version/);
  assert.equal(await versionAt(at("store.kv")), SCHEMA_VERSION + 1);
});

Deno.test("O15: the commands say how they are used, what is wrong, and no secret", async () => {
  for (const task of ["backup", "restore", "export", "import"] as const) {
    const help = await runTask(task, ["--help"]);
    assert.equal(help.code, 0);
    assert.ok(help.out.startsWith(`deno task ${task}`), help.out);
    const wrong = await runTask(task, ["--nonsense"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.said, /nonsense/);
  }
  const redis = {
    WEBSOCKET_MANAGER: "redis",
    WEBSOCKET_REDIS_URL: "redis://user:hush-hush@127.0.0.1:1/0",
  };
  for (const task of ["backup", "export"] as const) {
    const { code, said } = await runTask(task, ["/tmp/never"], redis);
    assert.equal(code, 1);
    assert.ok(!said.includes("hush"), said);
  }
  assert.match((await runTask("backup", [], redis)).said, /this one is in Redis/);
});
