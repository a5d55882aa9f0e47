import assert from "node:assert/strict";
import { Hono } from "hono";
import { readChat } from "../../lib/http/chat_in_turns.ts";
import { chatRoutes, type ChatRoutesOptions } from "../../lib/http/chats.ts";
import type { HttpEnv } from "../../lib/http/http_env.ts";
import { sendJson } from "../../lib/http/json_body.ts";
import { toAppError } from "../../lib/common/errors.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import { until } from "../support/until.ts";
import { longestPause } from "../support/loop_pauses.ts";

const app = new Hono();
app.post("/", async (c) => {
  const chat = await readChat(c);
  return await sendJson(c, { id: "chat", chat, title: "t" } as unknown as Chat);
});
app.onError((error, c) => c.text(toAppError(error).message, 400));

async function post(body: unknown): Promise<{ status: number; text: string }> {
  const answer = await app.request("/", { method: "POST", body: JSON.stringify(body) });
  return { status: answer.status, text: await answer.text() };
}

function bodyOf(count: number, change: (message: Record<string, unknown>) => void = () => {}) {
  const messages = Object.fromEntries(
    Array.from({ length: count }, (_, at) => {
      const message = { id: `m${at}`, childrenIds: [], role: "user", content: "word ".repeat(200) };
      if (at === count - 1) change(message);
      return [`m${at}`, message];
    }),
  );
  return { chat: { title: "large", history: { currentId: "m0", messages, own: 1 }, files: [] } };
}

Deno.test("a chat of many messages is read and answered as one of few is", async () => {
  for (const count of [0, 3, 500, 501, 2_345]) {
    const body = bodyOf(count);
    const { status, text } = await post(body);
    assert.equal(status, 200, text.slice(0, 200));
    assert.deepEqual(JSON.parse(text), { id: "chat", chat: body.chat, title: "t" });
  }
});

Deno.test("a fault is named the same in a chat of few and of many messages", async () => {
  for (const count of [3, 2_345]) {
    const { status, text } = await post(bodyOf(count, (message) => message["role"] = "nobody"));
    assert.equal(status, 400);
    assert.match(text, new RegExp(`^chat\\.history\\.messages\\.m${count - 1}\\.role: `));
  }
  assert.match((await post(bodyOf(10_001))).text, /at most 10000 messages/);
  for (const messages of [null, "text"]) {
    assert.equal((await post({ chat: { history: { messages } } })).status, 400);
  }
});

Deno.test("ten megabytes of messages hold nobody up for as long as they take", async () => {
  const body = JSON.stringify(bodyOf(10_000));
  const began = performance.now();
  const pauseMs = await longestPause(async () => {
    const answer = await app.request("/", { method: "POST", body });
    assert.equal(answer.status, 200, await answer.text());
  });
  const wholeMs = performance.now() - began;
  assert.ok(pauseMs < wholeMs / 2, `${pauseMs} of ${wholeMs} ms`);
});

Deno.test("X4: a few chats are put together at once; who asks for many waits for themselves", async () => {
  const reading: { id: string; end(): void }[] = [];
  const chats = {
    get: (userId: string, id: string) =>
      new Promise<Chat>((resolve) => {
        reading.push({ id, end: () => resolve({ id, user_id: userId, chat: {} } as Chat) });
      }),
  };
  const all = new Hono<HttpEnv>();
  all.use(async (c, next) => {
    c.set("user", { id: c.req.header("user") } as HttpEnv["Variables"]["user"]);
    await next();
  });
  all.route("/", chatRoutes({ chats } as unknown as ChatRoutesOptions));
  const ask = async (user: string, id: string, signal = new AbortController().signal) =>
    await all.request(`/${id}`, { headers: { user }, signal });
  const gone = new AbortController();
  const many = Array.from({ length: 20 }, (_, at) => ask("mallory", `m${at}`));
  const left = ask("mallory", "left", gone.signal);
  const other = ask("ada", "a");
  await until(() => reading.length === 4, { what: "the first to be read" });
  gone.abort();
  reading[0]?.end();
  reading[1]?.end();
  await until(() => reading.some(({ id }) => id === "a"), { what: "the other user's chat" });
  assert.ok(reading.length <= 6, `${reading.length} are read, of which two are done`);
  for (let at = 0; at < 21; at++) {
    await until(() => reading.length > at, { what: `chat ${at}` });
    reading[at]?.end();
  }
  assert.equal((await other).status, 200);
  for (const answer of many) assert.equal((await answer).status, 200);
  assert.equal((await left).status, 204);
  assert.ok(reading.every(({ id }) => id !== "left"));
});
