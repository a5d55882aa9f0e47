import assert from "node:assert/strict";
import type { Socket } from "socket.io-client";
import type { ChatEvent } from "../../lib/protocol/events.ts";
import { connect, type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { answered, ask, completions, message, newChat, textOf } from "./support/chat.ts";

interface Asked {
  channel: string;
  form_data: { messages: unknown[]; stream: boolean };
  model: { id: string };
  session_id: string;
}

/** A browser that runs a model: what it is asked, and how it answers. */
function runsModel(socket: Socket, answer: (asked: Asked) => unknown): Asked[] {
  const asked: Asked[] = [];
  socket.on("events", ({ data }: ChatEvent, ack?: (answer: unknown) => void) => {
    if (data.type !== "request:chat:completion") return;
    asked.push(data.data as Asked);
    ack?.(answer(data.data as Asked));
  });
  return asked;
}

const line = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}`;

const askBrowser = (person: Person, chatId: string, sessionId: string | undefined) =>
  ask(person, chatId, {
    session_id: sessionId,
    model: "in-the-browser",
    model_item: { id: "in-the-browser", direct: true, urlIdx: 3 },
  });

Deno.test("a model of the browser streams back, and the chat has the answer", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  await using tab = await connect(app.url, ada.token);
  const { socket } = client;
  const asked = runsModel(socket, ({ channel }) => {
    for (const word of ["from ", "the ", "browser"]) socket.emit(channel, line(word));
    socket.emit(channel, "data: [DONE]");
    socket.emit(channel, { done: true });
    return { status: true };
  });
  const chatId = await newChat(ada, "titled");
  await askBrowser(ada, chatId, socket.id);
  await answered(client, chatId);
  await answered(tab, chatId);
  assert.equal(textOf(completions(tab, chatId)), "from the browser");
  assert.equal((await message(ada, chatId)).content, "from the browser");
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.session_id, socket.id);
  assert.ok(asked[0]?.channel.startsWith(`${ada.id}:${socket.id}:`));
  assert.deepEqual(asked[0]?.model, { id: "in-the-browser", direct: true, urlIdx: 3 });
  assert.equal(tab.events.some(({ data }) => data.type === "request:chat:completion"), false);
  const late = await socket.emitWithAck(asked[0]?.channel ?? "", line("late"));
  assert.equal(late.error.code, "not_found", "the channel is closed with the answer");
});

Deno.test("a browser's error, and a session that is not the user's, are told in the chat", async () => {
  await using app = await startServer({ WEBSOCKET_EVENT_CALLER_TIMEOUT: "0.3" });
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  await using spy = await connect(app.url, eve.token);
  let answer: unknown = { status: false, error: "the key is wrong" };
  const asked = runsModel(client.socket, () => answer);
  const foreign = runsModel(spy.socket, () => ({ status: true }));
  const errorOf = async (sessionId: string | undefined) => {
    const chatId = await newChat(ada, "titled");
    await askBrowser(ada, chatId, sessionId);
    const { error } = (await answered(client, chatId)).data.data;
    assert.deepEqual((await message(ada, chatId)).error, error);
    return error;
  };
  assert.deepEqual(await errorOf(client.socket.id), {
    code: "provider_error",
    content: "the key is wrong",
  });
  answer = { error: { message: "no quota" } };
  assert.equal((await errorOf(client.socket.id))?.content, "no quota");
  assert.match((await errorOf(spy.socket.id))?.content ?? "", /disconnected/);
  assert.match((await errorOf("nobody"))?.content ?? "", /disconnected/);
  answer = { status: true };
  const silent = await errorOf(client.socket.id);
  assert.deepEqual(silent, {
    code: "timeout",
    content: "The model did not begin to answer within 0.3 seconds.",
  });
  assert.equal(asked.length, 3);
  assert.equal(foreign.length, 0, "another user's browser was asked");
  const unnamed = await ada.call("POST", "/api/chat/completions", {
    model: "m",
    messages: [],
    chat_id: await newChat(ada),
    id: "a",
    model_item: { direct: true },
  });
  assert.equal((await unnamed.json()).code, "invalid_payload");
});

Deno.test("nobody else can write into a browser's stream", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  await using spy = await connect(app.url, eve.token);
  const asked = runsModel(client.socket, () => ({ status: true }));
  const chatId = await newChat(ada, "titled");
  await askBrowser(ada, chatId, client.socket.id);
  const { channel } = await until(() => asked[0]);
  const refused = await spy.socket.emitWithAck(channel, line("forged"));
  assert.equal(refused.error.code, "forbidden");
  assert.equal((await spy.socket.emitWithAck(channel, { done: true })).status, false);
  await client.socket.emitWithAck(channel, line("own"));
  client.socket.emit(channel, { done: true });
  await answered(client, chatId);
  assert.equal((await message(ada, chatId)).content, "own");
});

Deno.test("T10: a browser that loses its socket in mid-stream goes on from its new one", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const { socket } = client;
  const asked = runsModel(socket, () => ({ status: true }));
  const chatId = await newChat(ada, "titled");
  await askBrowser(ada, chatId, socket.id);
  const { channel } = await until(() => asked[0]);
  await socket.emitWithAck(channel, line("before, "));
  const before = socket.id;
  for (let round = 1; round <= 2; round++) {
    socket.io.engine.close();
    await until(() => socket.connected && socket.id !== before, { what: "the reconnect" });
    await socket.emitWithAck(channel, line(`after ${round}, `));
  }
  await socket.emitWithAck(channel, "data: [DONE]");
  socket.emit(channel, { done: true });
  await until(async () => (await message(ada, chatId)).done, { what: "the end" });
  const stored = await message(ada, chatId);
  assert.equal(stored.content, "before, after 1, after 2, ");
  assert.equal(stored.error, undefined);
});

Deno.test("T11: a disconnect ends the wait for an answer at once, a stop too, the limit is configured", async () => {
  await using app = await startServer({ WEBSOCKET_EVENT_CALLER_TIMEOUT: "2" });
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  await using client = await connect(app.url, ada.token, { reconnection: false });
  const sessionId = client.socket.id ?? "";
  const acks: ((answer: unknown) => void)[] = [];
  client.socket.on("events", (_event, ack) => acks.push(ack));
  const event = { chat_id: "c", message_id: "m", data: { type: "input", data: {} } };
  const call = (userId: string, signal?: AbortSignal) =>
    app.sockets.call({ userId, sessionId, event, ...(signal && { signal }) });

  const answering = call(ada.id);
  (await until(() => acks.shift()))({ value: "typed" });
  assert.deepEqual(await answering, { value: "typed" });

  const silent = await call(ada.id) as { error: string };
  assert.match(silent.error, /^Event call timed out\./);
  acks.shift()?.("late");

  assert.deepEqual(await call(eve.id), { error: "Client session disconnected." });
  const stopped = await call(ada.id, AbortSignal.timeout(50)) as { error: string };
  assert.match(stopped.error, /stopped/);

  acks.length = 0;
  const cut = call(ada.id);
  await until(() => acks.length === 1);
  client.socket.disconnect();
  // Not the time-out's error: the disconnect itself ended the wait.
  assert.deepEqual(await cut, { error: "Client session disconnected." });
  assert.deepEqual(await call(ada.id), { error: "Client session disconnected." });
});
