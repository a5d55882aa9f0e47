import assert from "node:assert/strict";
import type { Chat } from "../../lib/protocol/chat.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { seedOf } from "../support/say.ts";
import { signUp, startServer } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

/** Numbers from 0 to 1 that a seed repeats. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

Deno.test("T6: an answer through a connection that is cut again and again is equal to the byte", async () => {
  const random = randomFrom(seedOf("cuts"));
  const tokens = Array.from({ length: 400 }, (_, at) => `${at}é${"x".repeat(random() * 9)} `);
  await using provider = startModelProvider();
  // To be back may take as long as all of the answer: it ends after that.
  const isCut = Promise.withResolvers<void>();
  provider.script = { tokens, paceMs: 3, endsAfter: isCut.promise };
  await using app = await startServer({
    OPENAI_API_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY: "a key",
  });
  await using proxy = new TcpProxy(Number(new URL(app.url).port));
  const ada = await signUp(app.url);
  const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
    chat: { history: { messages: {} } },
  });
  await using client = await libraryClient({
    url: `http://127.0.0.1:${proxy.port}`,
    token: ada.token,
  });
  const followed = client.chats.follow({ chatId, messageId: "a", resume: false });
  const lengths: number[] = [];
  followed.onChange(({ content }) => lengths.push(content.length));
  await ada.json("POST", "/api/chat/completions", {
    model: "stand-in",
    messages: [{ role: "user", content: "go" }],
    chat_id: chatId,
    id: "a",
  });
  let cuts = 0;
  let nextCut = 10 + Math.floor(random() * 200);
  const off = followed.onChange(({ content }) => {
    if (content.length < nextCut || followed.snapshot.isDone) return;
    nextCut = content.length + 150 + Math.floor(random() * 800);
    if (++cuts === 2) isCut.resolve();
    proxy.cut();
    proxy.heal();
  });
  await until(() => followed.snapshot.isDone, { what: "the end of the answer" });
  off();
  assert.equal(followed.snapshot.content, tokens.join(""));
  assert.ok(cuts >= 2, `it was cut ${cuts} times`);
  assert.deepEqual(lengths, [...lengths].sort((a, b) => a - b), "the text never shrinks");
});

Deno.test("T6: a second client that comes in mid-answer gets the text so far, then the rest", async () => {
  const tokens = Array.from({ length: 120 }, (_, at) => `word${at} `);
  await using provider = startModelProvider();
  provider.script = { tokens, paceMs: 3 };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", { chat: {} });
  await using first = await libraryClient({ url: app.url, token: ada.token });
  const answer = first.chats.follow({ chatId, messageId: "a", resume: false });
  await ada.json("POST", "/api/chat/completions", {
    model: "stand-in",
    messages: [{ role: "user", content: "go" }],
    chat_id: chatId,
    id: "a",
  });
  await until(() => answer.snapshot.content.length >= tokens.join("").length / 3, {
    what: "the middle of the answer",
  });
  await using second = await libraryClient({ url: app.url, token: ada.token });
  const late = second.chats.follow({ chatId, messageId: "a" });
  await until(() => late.snapshot.isDone && answer.snapshot.isDone, {
    what: "both ends",
  });
  assert.equal(late.snapshot.content, tokens.join(""));
  assert.equal(answer.snapshot.content, tokens.join(""));
});

Deno.test("an answer that ended while nobody was there is what is stored", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const cut = { id: "cut", parentId: null, childrenIds: [], role: "assistant", content: "Half" };
  const stopped = { ...cut, id: "stopped", done: true, interrupted: true, stopped: true };
  const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
    chat: { history: { messages: { cut, stopped } } },
  });
  await using client = await libraryClient({ url: app.url, token: ada.token });
  using crashed = client.chats.follow({ chatId, messageId: "cut" });
  const { content, state } = await crashed.done;
  assert.deepEqual([content, state], ["Half", "crashed"]);
  using ended = client.chats.follow({ chatId, messageId: "stopped" });
  assert.equal((await ended.done).state, "stopped");
});
