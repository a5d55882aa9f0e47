import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import type { ChatEvent } from "../../lib/protocol/events.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { type Script, startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import {
  answered,
  ask,
  assertGapless,
  completions,
  message,
  newChat,
  textOf,
} from "./support/chat.ts";

Deno.test("T4: 10,000 tokens cost bytes in proportion to the text, counted on the socket", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  let bytes = 0;
  client.socket.io.engine.on("packet", ({ data }) => bytes += String(data ?? "").length);

  const sizes: number[] = [];
  for (const count of [5_000, 10_000]) {
    const tokens = Array.from({ length: count }, (_, i) => `token ${i} of the answer `);
    provider.script = { tokens, tokensPerWrite: 8 };
    const chatId = await newChat(ada, "titled");
    const before = bytes;
    await ask(ada, chatId);
    await answered(client, chatId, 60_000);
    const events = completions(client, chatId);
    assertGapless(events);
    const text = tokens.join("");
    assert.equal(textOf(events), text);
    assert.equal((await message(ada, chatId)).content, text);
    sizes.push(bytes - before);
    say(`T4: ${count} tokens, ${text.length} bytes of text: ${bytes - before} bytes on the socket`);
    assert.ok(bytes - before <= 3 * text.length, "more than three times the text");
  }
  const [half = 0, whole = 0] = sizes;
  assert.ok(whole < 2.5 * half, "the bytes grow faster than the text");
});

Deno.test("T7: a message that is generated again has a new generation, and the old one falls silent", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "titled");
  provider.script = { tokens: Array.from({ length: 1_000 }, () => "old "), paceMs: 2 };
  await ask(ada, chatId);
  await until(() => completions(client, chatId).length > 20, { what: "the first answer" });
  provider.script = { tokens: Array.from({ length: 100 }, (_, i) => `new${i} `), paceMs: 1 };
  await ask(ada, chatId);
  await answered(client, chatId);
  await until(() => provider.requests[0]?.closedAtMs, { what: "the first request's end" });
  const heard = completions(client, chatId);
  const firstGeneration = heard[0]?.data.data.generation;
  const second = heard.filter(({ data }) => data.data.generation !== firstGeneration);
  assertGapless(second);
  assert.equal(new Set(second.map(({ data }) => data.data.generation)).size, 1);
  const newest = heard.findIndex(({ data }) => data.data.generation !== firstGeneration);
  assert.ok(
    heard.slice(newest).every(({ data }) => data.data.generation !== firstGeneration),
    "the old generation spoke after the new one had begun",
  );
  const stored = await message(ada, chatId);
  assert.equal(stored.content, textOf(second));
  assert.equal(stored.done, true);
  assert.equal(stored.interrupted, undefined);
});

Deno.test("T3: a stop of a chat ends all of its tasks, though one has ended by itself", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "titled");
  provider.models = [{ id: "long" }, { id: "short" }];
  const endless: Script = { tokens: Array.from({ length: 100_000 }, () => "word "), paceMs: 5 };
  provider.script = ({ model }) => model === "short" ? { tokens: ["short"] } : endless;
  const ids = [];
  for (const [id, model] of [["a", "long"], ["b", "short"], ["c", "long"]]) {
    ids.push(await ask(ada, chatId, { id, model }));
  }
  const list = () => ada.json<{ task_ids: string[] }>("GET", `/api/tasks/chat/${chatId}`);
  await until(async () => (await list()).task_ids.length === 2, { what: "the short one's end" });
  const { status } = await ada.json<{ status: boolean }>(
    "POST",
    `/api/tasks/chat/${chatId}/stop`,
  );
  assert.equal(status, true);
  await until(async () => (await list()).task_ids.length === 0, { what: "the end of all" });
  for (const id of ["a", "c"]) {
    const stored = await message(ada, chatId, id);
    assert.equal(stored.interrupted, true);
    assert.equal(stored.done, true);
  }
  assert.equal((await message(ada, chatId, "b")).content, "short");
  const again = await ada.call("POST", `/api/tasks/stop/${ids[1]}`);
  assert.equal((await again.json()).status, false, "a stop of an ended task says so");
});

Deno.test("T1: a stop after idle time closes the upstream, stores the text and tells done", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "titled");
  provider.script = { tokens: ["a", "b", "c"], end: "hang" };
  const taskId = await ask(ada, chatId);
  await until(() => textOf(completions(client, chatId)) === "abc", { what: "the text" });
  await pause(3_000);
  const foreign = await eve.call("POST", `/api/tasks/stop/${taskId}`);
  assert.equal((await foreign.json()).status, false, "a stranger stops nothing");
  const asked = performance.now();
  assert.equal(await ada.status("POST", `/api/tasks/stop/${taskId}`), 200);
  const end = await answered(client, chatId, 10_000);
  await until(() => provider.requests[0]?.closedAtMs, { what: "the upstream" });
  say(`T1: stopped and told after ${Math.round(performance.now() - asked)} ms`);
  assert.equal(end.data.data.interrupted, true);
  const stored = await message(ada, chatId);
  assert.equal(stored.content, "abc");
  assert.equal(stored.interrupted, true);
  await until(() => client.events.some(isIdle), { what: "chat:active false" });
});

const isActive = ({ data }: ChatEvent) =>
  data.type === "chat:active" && Reflect.get(Object(data.data), "active") === true;
const isIdle = ({ data }: ChatEvent) =>
  data.type === "chat:active" && Reflect.get(Object(data.data), "active") === false;

Deno.test("an answer is framed by chat:active; a chat is called by its question, then by the model's title", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  provider.script = ({ max_tokens }) =>
    max_tokens ? { tokens: ["A fine ", "title"] } : { tokens: ["yes"] };
  const chatId = await newChat(ada);
  await ask(ada, chatId);
  await until(() => client.events.some(isIdle), { what: "the end" });
  const types = client.events.map(({ data }) => data.type).filter((type) => type !== "chat:list");
  assert.equal(types[0], "chat:active");
  assert.ok(isActive(client.events.find(({ data }) => data.type === "chat:active") ?? fail()));
  assert.equal(types.at(-1), "chat:active");
  const titles = client.events.filter(({ data }) => data.type === "chat:title");
  assert.deepEqual(titles.map(({ data }) => data.data), ["What is it?", "A fine title"]);
  const chat = await ada.json<Chat>("GET", `/api/v1/chats/${chatId}`);
  assert.equal(chat.title, "A fine title");
  assert.equal(chat.chat.history?.messages?.q?.childrenIds.includes("a"), true);
});

function fail(): never {
  throw new Error("there is no such event");
}

Deno.test("a local chat is streamed and can be resumed by its user alone, and nothing of it is stored", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  await using spy = await connect(app.url, eve.token);
  const chatId = `local:${client.socket.id}`;
  provider.script = { tokens: ["secret ", "words"], end: "hang" };
  const taskId = await ask(ada, chatId);
  await until(() => textOf(completions(client, chatId)) === "secret words");
  const own = await client.socket.emitWithAck("chat:resume", { chat_id: chatId });
  assert.equal(own.content, "secret words");
  const foreign = await spy.socket.emitWithAck("chat:resume", { chat_id: chatId });
  assert.equal(JSON.stringify(foreign).includes("secret"), false, "a stranger read a local chat");
  provider.script = { tokens: ["other"] };
  await eve.status("POST", "/api/chat/completions", {
    model: "stand-in",
    chat_id: chatId,
    id: "a",
    messages: [],
  });
  await answered(spy, chatId);
  assert.equal(
    completions(client, chatId).some(({ data }) => data.data.done),
    false,
    "a stranger ended the answer of a local chat",
  );
  await ada.status("POST", `/api/tasks/stop/${taskId}`);
  await answered(client, chatId);
  assert.deepEqual(await ada.json("GET", "/api/v1/chats/"), []);
  assert.equal(await ada.status("GET", `/api/v1/chats/${chatId}`), 404);
});

const FAULTS: Record<string, { script: Script; code: string; words: RegExp; text?: string }> = {
  "401": { script: { status: 401, body: "no" }, code: "provider_error", words: /API key/ },
  "429": { script: { status: 429, body: "" }, code: "rate_limited", words: /busy/ },
  "500": {
    script: {
      status: 500,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ error: { message: "the key is sk-very-secret-key" } }),
    },
    code: "provider_error",
    words: /500/,
  },
  "a page": {
    script: { body: "<html>", headers: { "content-type": "text/html" } },
    code: "provider_error",
    words: /page/,
  },
  "half a stream": {
    script: { tokens: ["half"], end: "half" },
    code: "stream_broken",
    words: /middle/,
    text: "half",
  },
  "a broken connection": {
    script: { tokens: ["half"], end: "reset" },
    code: "stream_broken",
    words: /broke/,
    text: "half",
  },
  "an error in mid-stream": {
    script: { tokens: ["half"], end: "error" },
    code: "provider_error",
    words: /out of order/,
    text: "half",
  },
  "silence before the first word (PROVIDER_FIRST_TOKEN_TIMEOUT)": {
    script: { isSilent: true },
    code: "timeout",
    words: /did not begin to answer within 0.5 s/,
  },
  "silence in mid-stream (PROVIDER_TIMEOUT)": {
    script: { tokens: ["half"], end: "hang" },
    code: "timeout",
    words: /mid-answer/,
    text: "half",
  },
};

Deno.test("what goes wrong at the provider is told in the chat and in the message, without the key", async (t) => {
  await using provider = startModelProvider();
  const { logger, lines } = keepingLogger();
  await using app = await startServer({
    OPENAI_API_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY: "sk-very-secret-key",
    PROVIDER_TIMEOUT: "0.5",
    PROVIDER_FIRST_TOKEN_TIMEOUT: "0.5",
  }, logger);
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  for (const [name, { script, code, words, text = "" }] of Object.entries(FAULTS)) {
    await t.step(name, async () => {
      provider.script = script;
      const chatId = await newChat(ada, "titled");
      await ask(ada, chatId);
      const end = await answered(client, chatId);
      assert.equal(end.data.data.error?.code, code);
      assert.match(end.data.data.error?.content ?? "", words);
      const stored = await message(ada, chatId);
      assert.deepEqual(stored.error, end.data.data.error);
      assert.equal(stored.content, text);
      assert.equal(stored.done, true);
    });
  }
  assert.equal(JSON.stringify(client.events).includes("sk-very-secret"), false);
  assert.equal(lines.join("\n").includes("sk-very-secret"), false);
});

Deno.test("without a chat the provider's own stream is passed on, and closed when the client goes", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const body = { model: "stand-in", stream: true, messages: [] };
  provider.script = { tokens: ["one", "two"] };
  const whole = await ada.call("POST", "/api/chat/completions", body);
  assert.equal(whole.headers.get("content-type"), "text/event-stream");
  const text = await whole.text();
  assert.match(text, /one/);
  assert.match(text, /data: \[DONE\]\n\n$/);

  provider.script = { tokens: Array.from({ length: 100_000 }, () => "word "), paceMs: 2 };
  const gone = new AbortController();
  const answer = await fetch(`${app.url}/api/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${ada.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: gone.signal,
  });
  const reader = answer.body?.getReader();
  await reader?.read();
  gone.abort();
  await reader?.read().catch(() => {});
  await until(() => provider.requests[1]?.closedAtMs, {
    what: "the upstream's end",
  });
});
