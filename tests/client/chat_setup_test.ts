/** A chat as a page shows it: what it is asked with, where it is kept, what becomes of it. */
import assert from "node:assert/strict";
import { ChatModel } from "../../lib/client/chat_model.ts";
import { isClientError } from "../../lib/client/errors.ts";
import type { Chat, ChatSummary } from "../../lib/protocol/chat.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

const MODEL = { id: "stand-in" };

Deno.test("a chat on two devices: its setup, its branches, its end", async (t) => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using one = await libraryClient({ url: app.url, token: ada.token });
  await using two = await libraryClient({ url: app.url, token: ada.token });
  using model = new ChatModel(one.chats);
  const isQuiet = () => !model.snapshot.isStreaming;
  const asked = () =>
    provider.requests.findLast(({ body }) => body.temperature !== undefined)?.body ?? {};

  await model.configure({ params: { system: "Be brief.", temperature: 0.25 } });
  await model.send("Hello", MODEL);
  await until(isQuiet, { what: "the answer" });
  const chatId = model.snapshot.id ?? "";

  await t.step("a new chat is made with its setup, and asked with it", async () => {
    assert.deepEqual(asked().messages, [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hello" },
    ]);
    assert.equal("params" in asked() || "system" in asked(), false);
    const { chat } = await ada.json<Chat>("GET", `/api/v1/chats/${chatId}`);
    assert.deepEqual(chat.models, ["stand-in"]);
    assert.deepEqual(chat.params, { system: "Be brief.", temperature: 0.25 });
  });

  using other = new ChatModel(two.chats, { chatId });
  await other.load();

  await t.step("a change of the setup arrives at the other device", async () => {
    assert.deepEqual(other.snapshot.setup.params, { system: "Be brief.", temperature: 0.25 });
    await other.configure({ models: ["another"], params: { temperature: 1 } });
    await until(() => model.snapshot.setup.models[0] === "another", { what: "the change" });
    assert.deepEqual(model.snapshot.setup.params, { temperature: 1 });
  });

  await t.step("a change that can't be kept is undone", async () => {
    const models = [1] as unknown as string[];
    await assert.rejects(other.configure({ models }), (thrown) => isClientError(thrown));
    assert.deepEqual(other.snapshot.setup.models, ["another"]);
  });

  await t.step("an edit is a branch, whose alternatives both devices know", async () => {
    const [question] = model.snapshot.branch;
    await model.edit(question?.id ?? "", "Hello again", MODEL);
    await until(isQuiet, { what: "the second answer" });
    const [edited] = model.snapshot.branch;
    assert.ok(edited && question);
    assert.deepEqual(model.siblings(edited), [question.id, edited.id]);
    await until(() => other.siblings(question).length === 2, { what: "the other device" });
    assert.equal(other.snapshot.branch[0]?.id, question.id, "what one looks at stays");
  });

  await t.step(
    "what has not changed stays the same object when the chat is read again",
    async () => {
      // What was said here is the server's own once it has been read.
      await model.load();
      const before = model.snapshot.branch;
      await model.load();
      const after = model.snapshot.branch;
      assert.notEqual(model.snapshot.branch, before);
      assert.ok(after.length > 0 && after.every((message, at) => message === before[at]));
    },
  );

  await t.step("a chat that is deleted elsewhere says so, and can still be read", async () => {
    await ada.json("DELETE", `/api/v1/chats/${chatId}`);
    await until(() => model.snapshot.isGone && other.snapshot.isGone, { what: "the news" });
    assert.equal(model.snapshot.branch.length, 2);
    using missing = new ChatModel(one.chats, { chatId: "no-such-chat" });
    await missing.load();
    assert.deepEqual([missing.snapshot.isGone, missing.snapshot.branch], [true, []]);
  });
});

Deno.test("a temporary chat is kept by nobody: all of it goes with each question", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  using model = new ChatModel(client.chats, { isTemporary: true });
  await model.configure({ params: { system: "Whisper." } });
  await model.send("Hello", MODEL);
  await until(() => !model.snapshot.isStreaming, { what: "the answer" });
  const [, answer] = model.snapshot.branch;
  assert.deepEqual([answer?.content, answer?.done], ["One two three.", true]);

  provider.script = { tokens: Array.from({ length: 200 }, (_, at) => `word${at} `), paceMs: 5 };
  await model.send("And more", MODEL);
  await until(() => model.snapshot.branch.at(-1)?.content.includes("word3"), { what: "words" });
  assert.deepEqual(provider.requests.at(-1)?.body.messages, [
    { role: "system", content: "Whisper." },
    { role: "user", content: "Hello" },
    { role: "assistant", content: "One two three." },
    { role: "user", content: "And more" },
  ]);
  await model.stop();
  await until(() => model.snapshot.branch.at(-1)?.stopped, { what: "the stop" });
  const half = model.snapshot.branch.at(-1);

  provider.script = { tokens: ["the end."] };
  await model.continueAnswer(half?.id ?? "", MODEL);
  await until(() => !model.snapshot.isStreaming, { what: "the rest" });
  assert.equal(model.snapshot.branch.at(-1)?.content, `${half?.content}the end.`);
  assert.deepEqual(
    (provider.requests.at(-1)?.body.messages as { role: string }[]).at(-1),
    { role: "assistant", content: half?.content },
  );

  assert.match(model.snapshot.id ?? "", /^temporary:/);
  assert.deepEqual(await ada.json<ChatSummary[]>("GET", "/api/v1/chats/"), []);
  using elsewhere = new ChatModel(client.chats, { chatId: model.snapshot.id });
  await elsewhere.load();
  assert.equal(elsewhere.snapshot.isGone, true);
});
