import assert from "node:assert/strict";
import type { Chat, ListedChat } from "../../lib/protocol/chat.ts";
import { keys } from "../../lib/state/key_space.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, completions, message, newChat } from "./support/chat.ts";

Deno.test("a chat with a message of 5 MB is stored, read, changed and deleted", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "large");
  const content = "ä".repeat(2_500_000) + "🙂 end";
  const large = { id: "q", role: "user", content, childrenIds: [] };
  await ada.json("POST", `/api/v1/chats/${chatId}`, {
    chat: { history: { currentId: "q", messages: { q: large } } },
  });
  assert.equal((await message(ada, chatId, "q")).content, content);
  assert.equal(await ada.json("DELETE", `/api/v1/chats/${chatId}`), true);
  assert.equal(await ada.status("GET", `/api/v1/chats/${chatId}`), 404);
});

Deno.test("a chat of somebody else is not_found on every route, and stays as it is", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  const chatId = await newChat(ada, "mine");
  const path = `/api/v1/chats/${chatId}`;
  const asked: [string, string, unknown?][] = [
    ["GET", path],
    ["POST", path, { chat: { title: "hers" } }],
    ["DELETE", path],
    ["POST", `${path}/messages/q/event`, { type: "replace", data: { content: "hers" } }],
    ["POST", "/api/chat/completions", { model: "echo", chat_id: chatId, id: "a", messages: [] }],
  ];
  for (const [method, route, body] of asked) {
    const response = await eve.call(method, route, body);
    const { code } = await response.json();
    assert.deepEqual([response.status, code], [404, "not_found"], `${method} ${route}`);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
  }
  assert.deepEqual(await eve.json("GET", "/api/v1/chats/"), []);
  const { task_ids } = await eve.json<{ task_ids: [] }>("GET", `/api/tasks/chat/${chatId}`);
  assert.deepEqual(task_ids, []);
  const chat = await ada.json<Chat>("GET", path);
  assert.equal(chat.title, "mine");
  assert.deepEqual(Object.keys(chat.chat.history?.messages ?? {}), ["q"]);
  await using spy = await connect(app.url, eve.token);
  const refused = await spy.socket.emitWithAck("events:chat", {
    chat_id: chatId,
    data: { type: "last_read_at" },
  });
  assert.equal(refused.error.code, "not_found");
});

Deno.test("the list is paged, last changed first", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const ids = new Set<string>();
  for (let at = 0; at < 65; at++) ids.add(await newChat(ada, `chat ${at}`));
  const page = (query: string) => ada.json<{ id: string }[]>("GET", `/api/v1/chats/${query}`);
  const first = await page("?page=1");
  const second = await page("?page=2");
  assert.deepEqual([first.length, second.length], [60, 5]);
  assert.deepEqual(new Set([...first, ...second].map(({ id }) => id)), ids);
  assert.deepEqual(await page("?page=3"), []);
  assert.equal(await ada.status("GET", "/api/v1/chats/?page=0"), 400);
});

Deno.test("the event emitter: all stored types at once lose nothing, and the sessions hear them", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "events");
  const emit = (type: string, data: unknown) =>
    ada.json("POST", `/api/v1/chats/${chatId}/messages/q/event`, { type, data });
  const each = Array.from({ length: 20 }, (_, i) => i);
  await emit("replace", { content: "" });
  await Promise.all(each.flatMap((i) => [
    emit("status", { description: `status ${i}` }),
    emit("message", { content: `${i};` }),
    emit("embeds", { embeds: [`embed ${i}`] }),
    emit("files", { files: [{ id: i }] }),
    emit("source", { name: `source ${i}` }),
    emit("citation", { name: `citation ${i}` }),
    emit("citation", { type: "code_execution", id: i }),
    emit("notification", { content: "passes by" }),
  ]));
  const stored = await message(ada, chatId, "q");
  const sorted = (list: unknown[] | undefined) =>
    (list ?? []).map((entry) => JSON.stringify(entry)).toSorted();
  assert.deepEqual(
    stored.content.split(";").filter(Boolean).map(Number).toSorted((a, b) => a - b),
    each,
  );
  assert.deepEqual(
    sorted(stored.statusHistory),
    sorted(each.map((i) => ({ description: `status ${i}` }))),
  );
  assert.deepEqual(sorted(stored.embeds), sorted(each.map((i) => `embed ${i}`)));
  assert.deepEqual(sorted(stored.files), sorted(each.map((id) => ({ id }))));
  assert.deepEqual(
    sorted(stored.sources),
    sorted(each.flatMap((i) => [{ name: `source ${i}` }, { name: `citation ${i}` }])),
  );
  await until(() => client.events.filter(({ message_id }) => message_id === "q").length === 161, {
    what: "all events",
  });
  await emit("embeds", { embeds: ["only"], replace: true });
  await emit("replace", { content: "new" });
  const replaced = await message(ada, chatId, "q");
  assert.deepEqual([replaced.embeds, replaced.content], [["only"], "new"]);
});

Deno.test("events:chat last_read_at is stored, and tells the user's sessions that the list has changed", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using one = await connect(app.url, ada.token);
  await using two = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "read");
  await until(() => two.events.length === 1, { what: "the news of the chat" });
  const payload = { chat_id: chatId, data: { type: "last_read_at" } };
  assert.deepEqual(await one.socket.emitWithAck("events:chat", payload), { status: true });
  await until(() => two.events.length === 2, { what: "chat:list" });
  const { last_read_at } = await ada.json<Chat>("GET", `/api/v1/chats/${chatId}`);
  const [chat] = await ada.json<ListedChat[]>("GET", "/api/v1/chats/");
  assert.equal(chat?.last_read_at, last_read_at);
  const { active: _, ...summary } = chat ?? {};
  const marked = { reason: "marked", chat: summary };
  const read = { type: "chat:list", data: { chat_id: chatId, last_read_at, ...marked } };
  assert.deepEqual(two.events[1], { chat_id: chatId, message_id: "", data: read });
  assert.ok(Math.abs((last_read_at ?? 0) - Date.now() / 1_000) < 60, "unix seconds");
  const odd = await one.socket.emitWithAck("events:chat", { chat_id: chatId, data: { type: "x" } });
  assert.equal(odd.error.code, "invalid_payload");
});

Deno.test("a chat that is deleted while it is being answered ends the answer, and leaves nothing", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: ["word"], end: "hang" };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "short-lived");
  await ask(ada, chatId);
  await until(() => completions(client, chatId).length > 0, { what: "the answer" });
  await ada.json("DELETE", `/api/v1/chats/${chatId}`);
  await until(() => provider.requests[0]?.closedAtMs, { what: "the upstream's end" });
  await until(() => app.services.tasks.size === 0, { what: "the task's end" });
  assert.equal(await ada.status("GET", `/api/v1/chats/${chatId}`), 404);
  const left = app.services.store.dictionary(keys.chatMessages(chatId));
  assert.equal(await left.get("a"), undefined);
});

Deno.test("the chats of a deleted user go soon after, and nobody else's", async () => {
  await using app = await startServer({
    SESSION_TIMEOUT: "2",
    WEBSOCKET_HEARTBEAT_INTERVAL: "1",
  });
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  const kept = await newChat(ada, "hers");
  const gone = await newChat(eve, "gone");
  await ada.json("DELETE", `/api/v1/users/${eve.id}`);
  const { store } = app.services;
  await until(async () => await store.values.get(keys.chat(gone)) === undefined, {
    what: "the chat's end",
  });
  await until(async () => await store.dictionary(keys.chatMessages(gone)).get("q") === undefined, {
    what: "the messages' end",
  });
  assert.equal((await message(ada, kept, "q")).content, "What is it?");
});
