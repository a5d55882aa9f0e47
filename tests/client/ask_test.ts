/** Asking, following and stopping, by as many parts of a program as there are. */
import assert from "node:assert/strict";
import { AnswerStream } from "../../lib/client/answer_stream.ts";
import { chatEventHandler } from "../../lib/client/chats.ts";
import type { Connection } from "../../lib/client/connection.ts";
import { FollowedAnswer } from "../../lib/client/followed_answer.ts";
import type { CompletionData, CompletionEvent } from "../../lib/protocol/events.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

const TOKENS = Array.from({ length: 60 }, (_, at) => `word${at} `);
const WHOLE = TOKENS.join("");

async function opened(paceMs = 3) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(startModelProvider());
  provider.script = { tokens: TOKENS, paceMs };
  const app = stack.use(await startServer({ OPENAI_API_BASE_URL: provider.baseUrl }));
  const ada = await signUp(app.url);
  const client = stack.use(await libraryClient({ url: app.url, token: ada.token }));
  const all = stack.move();
  return { app, provider, ada, ...client, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

Deno.test("an end that comes in one moment with what is before it is an end", async () => {
  const place = { chatId: "c", messageId: "m" };
  const stream = new AnswerStream({} as Connection, place);
  using followed = new FollowedAnswer(stream, {
    release: () => stream.end(),
    stop: () => Promise.resolve(),
  });
  const { done } = followed;
  const event = (seq: number, data: Partial<CompletionData>): CompletionEvent => ({
    ...{ chat_id: "c", message_id: "m", seq },
    data: { type: "chat:completion", data: { generation: "g", ...data } },
  });
  stream.take(event(1, { choices: [{ index: 0, delta: { content: "All" } }] }));
  stream.take(event(2, { done: true }));
  assert.equal((await done).content, "All");
});

const chatOf = (ada: Person, id: string) => ada.json<Chat>("GET", `/api/v1/chats/${id}`);

Deno.test("C2: what is asked is answered: as deltas, as snapshots, and whole", async () => {
  await using it = await opened();
  const answer = await it.chats.ask({ model: "stand-in", messages: "Hello" });
  const snapshots = new Set([answer.snapshot]);
  answer.onChange((snapshot) => snapshots.add(snapshot));
  let read = "";
  for await (const { content, isReset } of answer) {
    assert.equal(isReset, false);
    read += content;
  }
  const done = await answer.done;
  assert.deepEqual([read, done.content, done.state], [WHOLE, WHOLE, "done"]);
  assert.ok(snapshots.size > 2, "each change is an object of its own");
  assert.equal([...snapshots][0]?.content, "", "and the old ones stay as they were");
  assert.equal(answer.snapshot, answer.snapshot);

  const next = await it.chats.ask({
    ...{ model: "stand-in", chatId: answer.chatId },
    messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "And now?" }],
  });
  assert.equal((await next.done).state, "done");
  const { messages = {} } = (await chatOf(it.ada, answer.chatId)).chat.history ?? {};
  const roles = Object.values(messages).map(({ role }) => role);
  assert.deepEqual(roles.toSorted(), ["assistant", "assistant", "user", "user"]);
  const asked = it.provider.requests.at(-1)?.body as { messages: { content: string }[] };
  assert.deepEqual(asked.messages.map(({ content }) => content), [
    ...["Be brief.", "Hello", WHOLE, "And now?"],
  ]);
});

Deno.test("a conversation that is brought along begins the chat", async () => {
  await using it = await opened();
  const answer = await it.chats.ask({
    model: "stand-in",
    messages: [
      { role: "user", content: "One" },
      { role: "assistant", content: "Two" },
      { role: "user", content: "Three" },
    ],
  });
  await answer.done;
  // The next request asks for a title.
  const asked = it.provider.requests[0]?.body as { messages: { content: string }[] };
  assert.deepEqual(asked.messages.map(({ content }) => content), ["One", "Two", "Three"]);
});

Deno.test("C9: a stop, and a signal that is aborted, end the answer: stopped is not crashed", async () => {
  await using it = await opened(30);
  const answer = await it.chats.ask({ model: "stand-in", messages: "Hello" });
  await until(() => answer.snapshot.content !== "", { what: "the first words" });
  await answer.stop();
  assert.equal((await answer.done).state, "stopped");
  const ended = new AbortController();
  const other = await it.chats.ask({
    ...{ model: "stand-in", messages: "Hello", signal: ended.signal },
  });
  await until(() => other.snapshot.content !== "", { what: "the first words" });
  ended.abort();
  assert.equal((await other.done).state, "stopped");
  await assert.rejects(
    it.chats.ask({ model: "stand-in", messages: "Hello", signal: ended.signal }),
    { name: "AbortError" },
  );
});

Deno.test("C3: two that follow one answer, and two handlers of one connection, leave each other alone", async () => {
  await using it = await opened(10);
  using second = chatEventHandler(it.connection);
  const answer = await it.chats.ask({ model: "stand-in", messages: "Hello" });
  const place = { chatId: answer.chatId, messageId: answer.messageId };
  const others = [it.chats.follow(place), second.follow(place)];
  others[0]?.close();
  others[0]?.close();
  answer.close();
  await assert.rejects(answer.done, { code: "unavailable" });
  const { content, state } = await (others[1]?.done ?? Promise.reject(new Error("none")));
  assert.deepEqual([content, state], [WHOLE, "done"]);
});

Deno.test("C3: of two handlers, the one that has the hook answers the server", async () => {
  await using it = await opened();
  using _hooked = chatEventHandler(it.connection, { confirm: () => Promise.resolve(true) });
  using _plain = chatEventHandler(it.connection);
  const answered = await it.app.sockets.call({
    userId: it.ada.id,
    sessionId: it.connection.sessionId ?? "",
    event: { chat_id: "c", message_id: "m", data: { type: "confirmation", data: {} } },
  });
  assert.equal(answered, true);
});
