import assert from "node:assert/strict";
import { completeDirectly } from "../../lib/client/direct_connections.ts";
import { runTool } from "../../lib/client/tools.ts";
import type { Chat, ChatMessage } from "../../lib/protocol/chat.ts";
import { choice, DONE, H, sse, STOP, W } from "../completions/dialects.ts";
import { type Script, startModelProvider } from "../support/model_provider.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

Deno.test("what the server asks is answered: by the page, or with a no", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token }, {
    confirm: ({ title }) => Promise.resolve(title === "Really?"),
    input: () => Promise.reject(new Error("the dialog broke")),
  });
  const ask = (type: string, data: unknown) =>
    app.sockets.call({
      userId: ada.id,
      sessionId: client.connection.sessionId ?? "",
      event: { chat_id: "c", message_id: "m", data: { type, data } },
    });
  assert.equal(await ask("confirmation", { title: "Really?" }), true);
  assert.deepEqual(await ask("input", {}), { error: "the dialog broke" });
  assert.deepEqual(await ask("execute:python", { code: "1" }), {
    error: "There is no answer to execute:python here.",
  });
  assert.deepEqual(await ask("unheard:of", {}), {
    error: "There is no answer to unheard:of here.",
  });
});

Deno.test("statuses, titles and notifications reach the page, and an answer elsewhere is announced", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const answered: string[] = [];
  const notes: string[] = [];
  await using client = await libraryClient({ url: app.url, token: ada.token }, {
    isInFront: () => false,
    onAnswered: ({ messageId }) => answered.push(messageId),
    onNotification: ({ content }) => notes.push(content),
  });
  const types: string[] = [];
  client.chats.onEvent(({ type }) => types.push(type));
  const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
    chat: { history: { messages: { q: { id: "q", role: "user", content: "hi" } } } },
  });
  await ada.json("POST", "/api/chat/completions", {
    model: "echo",
    messages: [{ role: "user", content: "to be" }],
    chat_id: chatId,
    id: "a",
  });
  const event = `/api/v1/chats/${chatId}/messages/a/event`;
  await ada.json("POST", event, { type: "status", data: { description: "searching" } });
  await ada.json("POST", event, { type: "notification", data: { content: "look" } });
  // What was sent over HTTP may be answered there before the socket has it.
  await until(
    () =>
      answered.length > 0 && notes.length > 0 &&
      ["chat:title", "status", "chat:list"].every((type) => types.includes(type)),
    { what: "the answer, the notification, the title, the status and the list" },
  );
  assert.deepEqual([answered, notes], [["a"], ["look"]]);
});

Deno.test("a model of the browser's own: its lines go back over the socket into the chat", async () => {
  const tokens = Array.from({ length: 50 }, (_, at) => `own${at} `);
  await using provider = startModelProvider();
  provider.script = { tokens };
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token }, {
    complete: (asked) =>
      completeDirectly(
        client.connection,
        { baseUrl: provider.baseUrl, apiKey: "my own key" },
        asked,
      ),
  });
  const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", { chat: {} });
  const answer = client.chats.follow({ chatId, messageId: "a", resume: false });
  await ada.json("POST", "/api/chat/completions", {
    model: "mine",
    messages: [{ role: "user", content: "go" }],
    chat_id: chatId,
    id: "a",
    session_id: client.connection.sessionId,
    model_item: { direct: true },
  });
  await until(() => answer.snapshot.isDone, { what: "the answer" });
  assert.equal(answer.snapshot.content, tokens.join(""));
  assert.equal(provider.requests[0]?.headers.get("authorization"), "Bearer my own key");
});

Deno.test("a browser's provider that refuses is the answer's error", async () => {
  await using provider = startModelProvider();
  provider.script = { status: 401, body: '{"error":{"message":"wrong key"}}' };
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token }, {
    complete: (asked) => completeDirectly(client.connection, { baseUrl: provider.baseUrl }, asked),
  });
  const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", { chat: {} });
  const answer = client.chats.follow({ chatId, messageId: "a", resume: false });
  await ada.json("POST", "/api/chat/completions", {
    model: "mine",
    messages: [{ role: "user", content: "go" }],
    chat_id: chatId,
    id: "a",
    session_id: client.connection.sessionId,
    model_item: { direct: true },
  });
  await until(() => answer.snapshot.isDone, { what: "the refusal" });
  assert.match(answer.snapshot.outcome.error?.content ?? "", /wrong key/);
});

Deno.test("who closes the connection asks their own model for no more", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: Array.from({ length: 5_000 }, () => "word "), paceMs: 5 };
  await using app = await startServer();
  const ada = await signUp(app.url);
  {
    await using client = await libraryClient({ url: app.url, token: ada.token }, {
      complete: (asked) =>
        completeDirectly(client.connection, { baseUrl: provider.baseUrl }, asked),
    });
    const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", { chat: {} });
    const answer = client.chats.follow({ chatId, messageId: "a", resume: false });
    await ada.json("POST", "/api/chat/completions", {
      ...{ model: "mine", messages: [{ role: "user", content: "go" }], chat_id: chatId, id: "a" },
      ...{ session_id: client.connection.sessionId, model_item: { direct: true } },
    });
    await until(() => answer.snapshot.content !== "", { what: "the answer to begin" });
  }
  await until(() => provider.requests[0]?.closedAtMs, { what: "the end of its request" });
});

const BROKEN: [name: string, Script, code: string, words: RegExp, content: string][] = [
  ["the connection breaks", { wire: [H], end: "reset" }, "stream_broken", /broke off/, "Hello "],
  ["the body ends", { wire: [H] }, "stream_broken", /in the middle/, "Hello "],
  [
    "403 for moderation",
    { status: 403, body: '{"detail":"flagged"}' },
    "provider_error",
    /refuses this \(403\): flagged/,
    "",
  ],
  [
    "200 with an error",
    { body: '{"object":"error","message":"asleep"}' },
    "provider_error",
    /asleep/,
    "",
  ],
  ["an empty answer", { wire: [STOP, DONE] }, "empty_answer", /empty/, ""],
];
const WELL: [name: string, Script][] = [
  ["a whole completion", {
    wire: [
      JSON.stringify(
        { choices: [{ message: { content: "Hello world" } }], object: "chat.completion" },
        null,
        1,
      ),
    ],
    headers: { "content-type": "application/json" },
  }],
  ["a stream labelled as JSON", {
    wire: [H, W, STOP, DONE],
    headers: { "content-type": "application/json" },
  }],
  ["events parted by one newline", { wire: [(H + W + STOP).replaceAll("\n\n", "\n")] }],
  ["thoughts inline", { wire: [sse(choice({ content: "hm</think>Hello " })), W, STOP, DONE] }],
];

Deno.test("W4: a model of the browser's own is read, and ends, as the server's does", async (t) => {
  await using provider = startModelProvider();
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token }, {
    complete: (asked) => completeDirectly(client.connection, { baseUrl: provider.baseUrl }, asked),
  });
  const answerOf = async (script: Script) => {
    provider.script = script;
    const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
      chat: { title: "titled" },
    });
    const answer = client.chats.follow({ chatId, messageId: "a", resume: false });
    await ada.json("POST", "/api/chat/completions", {
      ...{ model: "mine", messages: [{ role: "user", content: "go" }], chat_id: chatId, id: "a" },
      ...{ session_id: client.connection.sessionId, model_item: { direct: true } },
    });
    await until(() => answer.snapshot.isDone, { what: "the answer" });
    const { chat } = await ada.json<Chat>("GET", `/api/v1/chats/${chatId}`);
    const stored = chat.history?.messages?.a as ChatMessage;
    assert.deepEqual([stored.content, stored.error], [
      answer.snapshot.content,
      answer.snapshot.outcome.error,
    ]);
    return stored;
  };
  for (const [name, script, code, words, content] of BROKEN) {
    await t.step(name, async () => {
      const stored = await answerOf(script);
      assert.deepEqual([stored.content, stored.error?.code], [content, code]);
      assert.match(stored.error?.content ?? "", words);
    });
  }
  for (const [name, script] of WELL) {
    await t.step(name, async () => {
      const stored = await answerOf(script);
      assert.deepEqual([stored.content, stored.error], ["Hello world", undefined]);
    });
  }
});

Deno.test("a tool is called with consent only, with its parameters where they belong", async () => {
  const seen: { method: string; url: string; body: string; token: string | null }[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      seen.push({
        method: request.method,
        url: pathname + search,
        body: await request.text(),
        token: request.headers.get("authorization"),
      });
      return Response.json({ ok: true });
    },
  );
  const tool = {
    name: "weather",
    params: { city: "Kyōto / 京都", days: 2 },
    server: {
      url: `http://127.0.0.1:${server.addr.port}`,
      openapi: { paths: { "/weather/{city}": { get: { operationId: "weather" } } } },
    },
  };
  const yes = () => Promise.resolve(true);
  assert.deepEqual(await runTool(tool, { consent: yes }), { ok: true });
  assert.deepEqual(seen, [{
    method: "GET",
    url: `/weather/${encodeURIComponent("Kyōto / 京都")}?days=2`,
    body: "",
    token: null,
  }]);
  await assert.rejects(runTool(tool, { consent: () => Promise.resolve(false) }), /did not allow/);
  const other = { ...tool, name: "another" };
  await assert.rejects(runTool(other, { consent: yes }), /no operation "another"/);
  for (const city of ["..", ".", "%2e%2E", "a/../..", "..\\..", "?x#y"]) {
    const before: number = seen.length;
    const asked = runTool({ ...tool, params: { city } }, { consent: yes });
    if (/^\.+$/.test(city)) await assert.rejects(asked, /may not be/);
    else await asked;
    const urls: string[] = seen.splice(before).map(({ url }) => url);
    assert.ok(urls.every((url) => /^\/weather\/[^/?#]+$/.test(url)), urls.join());
  }
  const local = { ...tool, server: { ...tool.server, url: "file:///etc/passwd" } };
  await assert.rejects(runTool(local, { consent: yes }), /must be http/);
  assert.equal(seen.length, 1);
});
