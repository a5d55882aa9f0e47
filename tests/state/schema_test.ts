import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys, typed } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { Migration } from "../../lib/state/migrations.ts";
import { NumberSchema } from "../../lib/state/records.ts";
import { APP_VERSION, migrate, SCHEMA_VERSION, schemaVersionOf } from "../../lib/state/schema.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { spawnServer, startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";

const open = (path = ":memory:", keyPrefix = "open-webui") =>
  openKvStore({ path, keyPrefix, logger });

/** What a newer version has left. */
const newer = { version: SCHEMA_VERSION + 7, written_by: "9.9.9" };

Deno.test("O15: a store of a newer version is refused, both versions are named, nothing is written", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.kv`;
  {
    await using store = await open(path);
    await store.values.set(keys.schema, newer);
  }
  const { child, log, read } = spawnServer({ DENO_KV_PATH: path });
  assert.equal((await child.status).code, 1);
  await read;
  const said = `have the form ${newer.version} (webui-realtime 9.9.9), and this version (0.1.0) ` +
    `knows up to ${SCHEMA_VERSION}`;
  assert.ok(log().includes(said), log());
  await using store = await open(path);
  assert.deepEqual(await store.values.get(keys.schema), newer);
  assert.equal(await store.values.get(keys.secretKey), undefined);
});

Deno.test("O15: a server that runs ends when a newer version takes the store over", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.kv`;
  await using server = await startServerProcess({ DENO_KV_PATH: path });
  {
    await using store = await open(path);
    await store.values.set(keys.schema, newer);
  }
  await until(() => server.isOver, {
    what: "the older server's end",
    limitMs: 60_000,
    everyMs: 50,
  });
  assert.equal((await server.status).code, 1);
  assert.match(server.log(), /a newer version has taken over the store.*webui-realtime 9\.9\.9/);
});

Deno.test("O15: users who were being deleted are found under the key's new name", async () => {
  await using store = await open();
  await store.dictionary(typed(NumberSchema, ["rt", "departed_users"])).set("ada", 12);
  await migrate(store, { logger });
  assert.equal(await store.dictionary(keys.deletedUsers).get("ada"), 12);
  assert.equal(await schemaVersionOf(store), SCHEMA_VERSION);
});

Deno.test("O15: chats from before their messages were counted are counted, once", async () => {
  await using store = await open();
  const chat = { id: "a:1", user_id: "u", title: "t", chat: {}, created_at: 1, updated_at: 2 };
  await store.values.set(keys.chat("a:1"), chat);
  const messages = store.dictionary(keys.chatMessages("a:1"));
  for (const id of ["1", "2", "3"]) {
    const empty = { id, parentId: null, childrenIds: [], content: "" };
    await messages.set(id, { ...empty, role: "user" });
  }
  await migrate(store, { logger });
  const found = await store.values.get<{ size?: number }>([...keys.chat("a:1")]);
  assert.deepEqual(found, { ...chat, size: 3 });
});

/** Counts its runs, and takes as long as it is let. */
function counted(run: (store: StateStore) => Promise<void> = () => Promise.resolve()) {
  const migration: Migration & { runs: number } = {
    what: "a test",
    runs: 0,
    async run(store) {
      migration.runs++;
      await run(store);
    },
  };
  return migration;
}

Deno.test("O15: of many instances that start at once, one migrates and the others wait for it", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.kv`;
  const gate = Promise.withResolvers<void>();
  const migration = counted(() => gate.promise);
  await using one = await open(path);
  await using other = await open(path);
  let done = 0;
  const starts = [one, other, one, other].map(async (store) => {
    await migrate(store, { logger, migrations: [migration] });
    done++;
  });
  await until(() => migration.runs === 1);
  assert.equal(done, 0);
  gate.resolve();
  await Promise.all(starts);
  assert.equal(migration.runs, 1);
});

Deno.test("O15: a migration that was cut short is done again, those before it are not", async () => {
  await using store = await open();
  const first = counted();
  let fails = true;
  const second = counted(() => fails ? Promise.reject(new Error("cut short")) : Promise.resolve());
  const migrations = [first, second];
  await assert.rejects(migrate(store, { logger, migrations }), /cut short/);
  assert.equal(await schemaVersionOf(store), 1);
  fails = false;
  await migrate(store, { logger, migrations });
  assert.deepEqual([first.runs, second.runs], [1, 2]);
});

Deno.test("the version that a store names is the project's", async () => {
  const file = new URL("../../deno.json", import.meta.url);
  assert.equal(APP_VERSION, JSON.parse(await Deno.readTextFile(file)).version);
});
