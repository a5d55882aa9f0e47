import assert from "node:assert/strict";
import type { Chat, ChatMessage } from "../../lib/protocol/chat.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { connect, type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { answered, ask, message, newChat } from "./support/chat.ts";

const historyOf = async (person: Person, chatId: string) =>
  (await person.json<Chat>("GET", `/api/v1/chats/${chatId}`)).chat.history ?? {};

const say = (id: string, parentId: string | null): ChatMessage => (
  { id, parentId, childrenIds: [], role: "user", content: `question ${id}` }
);

/** Asks as the page does: what is new, and nothing else. */
const askNew = (person: Person, chatId: string, question: ChatMessage, answerId: string) =>
  person.json("POST", "/api/chat/completions", {
    ...{ model: "echo", stream: true, chat_id: chatId, id: answerId },
    ...{ parent_id: question.parentId, user_message: question },
  });

/** Asks as Open WebUI's client does: the whole history as this tab knows it, then the answer. */
async function askWithAll(
  person: Person,
  chatId: string,
  history: NonNullable<Chat["chat"]["history"]>,
  question: ChatMessage,
  answerId: string,
): Promise<void> {
  const { id, content } = question;
  const answer: ChatMessage = {
    ...{ id: answerId, parentId: id, childrenIds: [], role: "assistant", content: "" },
  };
  const messages = {
    ...history.messages,
    q: { ...say("q", null), childrenIds: [id] },
    [id]: { ...question, childrenIds: [answerId] },
    [answerId]: answer,
  };
  await person.json("POST", `/api/v1/chats/${chatId}`, {
    chat: { history: { ...history, currentId: answerId, messages } },
  });
  await person.json("POST", "/api/chat/completions", {
    ...{ model: "echo", stream: true, chat_id: chatId, id: answerId, parent_id: id },
    messages: [{ role: "user", content }],
  });
}

const isAnswered = (person: Person, chatId: string, id: string) =>
  until(async () => (await message(person, chatId, id)).done === true, { what: `answer ${id}` });

Deno.test("W1: a device that was away and posts its whole history deletes nothing said meanwhile", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "two devices");
  const away = await historyOf(ada, chatId);
  await askNew(ada, chatId, say("q1", "q"), "a1");
  await isAnswered(ada, chatId, "a1");
  await askNew(ada, chatId, say("q2", "a1"), "a2");
  await isAnswered(ada, chatId, "a2");
  for (const seen of [away.seen, undefined]) {
    const mine = say(seen ? "known" : "unknown", "q");
    const history = { currentId: mine.id, messages: { ...away.messages, [mine.id]: mine } };
    await ada.json("POST", `/api/v1/chats/${chatId}`, {
      chat: { history: { ...history, ...(seen !== undefined && { seen }) } },
    });
  }
  const { messages = {} } = await historyOf(ada, chatId);
  assert.deepEqual(Object.keys(messages).sort(), ["a1", "a2", "known", "q", "q1", "q2", "unknown"]);
  assert.deepEqual([...messages.q?.childrenIds ?? []].sort(), ["known", "q1", "unknown"]);
  assert.equal(messages.a2?.content, "question q2");
});

Deno.test("W2: two questions in one moment are two branches, both answered", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  for (let round = 0; round < 12; round++) {
    const chatId = await newChat(ada, "two tabs");
    const history = await historyOf(ada, chatId);
    const [one, two] = [say("one", "q"), say("two", "q")];
    await Promise.all([
      round % 2 === 0
        ? askNew(ada, chatId, one, "a-one")
        : askWithAll(ada, chatId, history, one, "a-one"),
      round % 3 === 0
        ? askNew(ada, chatId, two, "a-two")
        : askWithAll(ada, chatId, history, two, "a-two"),
    ]);
    await Promise.all([isAnswered(ada, chatId, "a-one"), isAnswered(ada, chatId, "a-two")]);
    const { messages = {}, currentId } = await historyOf(ada, chatId);
    assert.deepEqual([...messages.q?.childrenIds ?? []].sort(), ["one", "two"]);
    assert.deepEqual(messages.one?.childrenIds, ["a-one"]);
    assert.deepEqual(messages.two?.childrenIds, ["a-two"]);
    assert.equal(messages["a-one"]?.content, "question one");
    assert.ok(["a-one", "a-two"].includes(currentId ?? ""));
  }
});

Deno.test("W1: an answer under way is not replaced by an older copy of it, nor is its end", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: ["the ", "whole ", "answer"], paceMs: 60 };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "streams");
  await ask(ada, chatId);
  const copy = await historyOf(ada, chatId);
  const post = () => ada.json("POST", `/api/v1/chats/${chatId}`, { chat: { history: copy } });
  await post();
  await answered(client, chatId);
  await post();
  const stored = await message(ada, chatId);
  assert.deepEqual([stored.content, stored.done], ["the whole answer", true]);
});

Deno.test("X11: a history of 100,000 messages is refused, and the server goes on", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "huge");
  const messages = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => {
    const id = `m${at}`;
    return [id, { id, role: "user", content: "x" }];
  }));
  const body = { chat: { history: { messages } } };
  assert.equal(await ada.status("POST", "/api/v1/chats/new", body), 400);
  assert.equal(await ada.status("POST", `/api/v1/chats/${chatId}`, body), 400);
  assert.deepEqual(Object.keys((await historyOf(ada, chatId)).messages ?? {}), ["q"]);
});
