/**
 * What Deno Deploy does to a server, as far as its runtime shows it: no flag but `-A`, nothing of
 * ours in the environment, a database that `Deno.openKv()` finds without a path, several instances,
 * SIGINT and five seconds.
 */
import assert from "node:assert/strict";
import { kvConnectAvailable, KvConnectServer } from "../support/kv_connect_server.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { connect, type Env, signUp } from "../support/server.ts";
import { spawnServer, startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";
import { ask, completions, message, newChat, textOf } from "../e2e/support/chat.ts";
import { at } from "../support/instances.ts";

const WORDS = Array.from({ length: 20_000 }, (_, i) => `w${i} `);

/** The platform's own variables; `DENO_KV_DEFAULT_PATH` is how it attaches a database. */
const onDeploy = (database: string): Env => ({
  DENO_DEPLOY: "true",
  DENO_DEPLOYMENT_ID: "of-this-test",
  DENO_KV_DEFAULT_PATH: database,
  HOST: "",
  WEBUI_SECRET_KEY: "",
});

Deno.test("on Deno Deploy's conditions: SIGINT in mid-stream, out in time, and the answer is kept", async () => {
  await using folder = await tempFolder();
  await using provider = startModelProvider();
  provider.script = { tokens: WORDS, paceMs: 5 };
  const env = { ...onDeploy(`${folder.path}/kv`), OPENAI_API_BASE_URL: provider.baseUrl };
  await using server = await startServerProcess(env, ["-A"]);
  const ada = await signUp(server.url);
  const chatId = await newChat(ada, "titled");
  await using client = await connect(server.url, ada.token, { reconnection: false });
  await ask(ada, chatId);
  await until(() => completions(client, chatId).length > 20, { what: "the stream" });
  const began = performance.now();
  server.kill("SIGINT");
  const { code } = await server.status;
  const tookMs = performance.now() - began;
  say(`Deno Deploy: SIGINT in mid-stream: ${Math.round(tookMs)} ms`);
  assert.equal(code, 0, server.log());
  assert.ok(tookMs < 30_000, "five seconds are promised, on a machine of its own");
  await until(() => !client.socket.connected, { what: "the client to be told" });
  await using next = await startServerProcess(env, ["-A"]);
  const stored = await message(at(next.url, ada), chatId);
  assert.deepEqual([stored.done, stored.interrupted], [true, true]);
  assert.equal(stored.content, textOf(completions(client, chatId)));
});

Deno.test("on Deno Deploy without a database the start ends with 1, and says what is missing", async () => {
  const env = { ...onDeploy(""), DENO_KV_REQUIRES_DISTRIBUTED_DATABASE: "error" };
  const { child, log, read } = spawnServer(env, ["-A"]);
  const { code } = await child.status;
  await read;
  assert.equal(code, 1);
  assert.match(log(), /no KV database is attached/);
});

Deno.test({
  name:
    "on Deno Deploy's conditions, with a database of its kind: two instances, and one is evicted in mid-stream",
  ignore: !kvConnectAvailable(),
  async fn() {
    await using database = await KvConnectServer.start();
    await using provider = startModelProvider();
    provider.script = { tokens: WORDS, paceMs: 5 };
    const env = {
      ...onDeploy(database.url),
      DENO_KV_REQUIRES_DISTRIBUTED_DATABASE: "error",
      OPENAI_API_BASE_URL: provider.baseUrl,
    };
    // Nothing but the database is written to.
    await using staying = await startServerProcess(env, ["-A", "--deny-write"]);
    await using evicted = await startServerProcess(env, ["-A", "--deny-write"]);
    const ada = await signUp(staying.url);
    const chatId = await newChat(ada, "titled");
    await using reader = await connect(staying.url, ada.token);
    await ask(at(evicted.url, ada), chatId);
    await until(() => completions(reader, chatId).length > 20, {
      what: "the stream of the other instance",
    });
    const began = performance.now();
    evicted.kill("SIGINT");
    const { code } = await evicted.status;
    const tookMs = performance.now() - began;
    say(`Deno Deploy: evicted in mid-stream: ${Math.round(tookMs)} ms`);
    assert.equal(code, 0, evicted.log());
    assert.ok(tookMs < 30_000, "five seconds are promised, on a machine of its own");
    const end = await until(
      () => completions(reader, chatId).find(({ data }) => data.data.done),
      { what: "the reader to be told" },
    );
    assert.equal(end.data.data.interrupted, true);
    const stored = await message(ada, chatId);
    assert.deepEqual([stored.done, stored.interrupted], [true, true]);
    assert.equal(stored.content, textOf(completions(reader, chatId)));
  },
});
