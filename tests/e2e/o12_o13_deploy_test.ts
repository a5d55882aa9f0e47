import assert from "node:assert/strict";
import { createApi } from "../../lib/client/api.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { connect, personAt, signUp } from "../support/server.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";
import { ask, completions, message, newChat } from "./support/chat.ts";

const TOKENS = Array.from({ length: 150 }, (_, n) => `w${n} `);

async function readiness({ url }: ServerProcess) {
  const response = await fetch(`${url}/ready`);
  const { failed } = await response.json();
  return { status: response.status, failed };
}

Deno.test("O12: after SIGTERM /ready says no at once, new answers go elsewhere, and what runs ends whole", async () => {
  await using provider = startModelProvider();
  const looked = Promise.withResolvers<void>();
  provider.script = { tokens: TOKENS, paceMs: 5, endsAfter: looked.promise };
  await using folder = await tempFolder();
  const env = {
    DENO_KV_PATH: `${folder.path}/server.kv`,
    OPENAI_API_BASE_URL: provider.baseUrl,
    DRAIN_TIMEOUT: "30",
  };
  let chatId: string;
  let ada;
  {
    await using server = await startServerProcess(env);
    ada = await signUp(server.url);
    chatId = await newChat(ada, "titled");
    const other = await newChat(ada, "titled");
    await using client = await connect(server.url, ada.token, { reconnection: false });
    await ask(ada, chatId);
    await until(() => completions(client, chatId).length > 5, { what: "the stream" });
    server.kill("SIGTERM");
    const { failed } = await until(async () => {
      const now = await readiness(server);
      return now.status === 503 ? now : undefined;
    }, { what: "/ready to say no" });
    assert.deepEqual(failed, ["place: it is about to stop"]);

    const refused = await ada.call("POST", "/api/chat/completions", {
      model: "stand-in",
      chat_id: other,
      id: "a",
      messages: [{ role: "user", content: "now?" }],
    });
    assert.equal(refused.status, 503);
    assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
    assert.equal((await refused.json()).code, "unavailable");
    // Nothing of it has been kept; what is no answer is served to the end.
    const { chat } = await ada.json<{ chat: { history: { messages: object } } }>(
      "GET",
      `/api/v1/chats/${other}`,
    );
    assert.deepEqual(Object.keys(chat.history.messages), ["q"]);
    await assert.rejects(connect(server.url, ada.token, { reconnection: false }));
    looked.resolve();

    const { code } = await server.status;
    assert.equal(code, 0, server.log());
    const end = completions(client, chatId).at(-1)?.data.data;
    assert.deepEqual([end?.done, end?.interrupted], [true, undefined]);
  }
  await using again = await startServerProcess(env);
  const stored = await message(personAt(again.url, ada), chatId);
  assert.equal(stored.content, TOKENS.join(""));
  assert.equal(stored.interrupted, undefined);
});

Deno.test("O12: an answer that does not fit the time ends as interrupted, and the process in time", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: Array(20_000).fill("word "), paceMs: 20 };
  await using server = await startServerProcess({
    DENO_KV_PATH: ":memory:",
    OPENAI_API_BASE_URL: provider.baseUrl,
    DRAIN_TIMEOUT: "3",
  });
  const ada = await signUp(server.url);
  const chatId = await newChat(ada, "titled");
  await using client = await connect(server.url, ada.token, { reconnection: false });
  await ask(ada, chatId);
  await until(() => completions(client, chatId).length > 5, { what: "the stream" });
  const seen = completions(client, chatId).length;
  const started = performance.now();
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
  const tookMs = performance.now() - started;
  assert.ok(tookMs > 1_000 && tookMs < 30_000, `${tookMs} ms`);
  assert.ok(completions(client, chatId).length > seen + 10, "it did not go on");
  const end = completions(client, chatId).at(-1)?.data.data;
  assert.deepEqual([end?.done, end?.interrupted], [true, true]);
});

Deno.test("O13: after a clean stop an official client comes back by itself, signed in", async () => {
  await using folder = await tempFolder();
  const env = { DENO_KV_PATH: `${folder.path}/server.kv` };
  for (const transports of [["websocket"], ["polling"]]) {
    const both = { ...env, ENABLE_WEBSOCKET_SUPPORT: "both" };
    await using first = await startServerProcess(both);
    const ada = await signUp(first.url);
    await using client = await connect(first.url, ada.token, { transports });
    const sid = client.socket.id;
    const reasons: string[] = [];
    client.socket.on("disconnect", (reason) => reasons.push(reason));
    first.kill("SIGTERM");
    assert.equal((await first.status).code, 0);
    await using _ = await startServerProcess({ ...both, PORT: new URL(first.url).port });
    await until(() => client.socket.connected && client.socket.id !== sid, {
      what: `the client (${transports}) to be back`,
      limitMs: 60_000,
    });
    assert.ok(!reasons.includes("io server disconnect"), reasons.join());
    assert.equal((await client.socket.emitWithAck("heartbeat", {})).status, true);
  }
});

Deno.test("O12: a request that is refused for the moment is sent again by the client library", async () => {
  let asked = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    if (++asked > 1) return Response.json({ asked });
    return Response.json({ code: "unavailable" }, {
      status: 503,
      headers: { "retry-after": "1" },
    });
  });
  const api = createApi({ url: `http://127.0.0.1:${server.addr.port}`, token: () => "t" });
  assert.deepEqual(await api("POST /api/chat/completions", { body: { model: "m" } }), { asked: 2 });
});
