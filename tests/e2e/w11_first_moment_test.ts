import assert from "node:assert/strict";
import { startModelProvider } from "../support/model_provider.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { answered, ask, message, newChat } from "./support/chat.ts";

interface StopAnswer {
  status: boolean;
}

Deno.test("W11: a stop that overtakes its question ends the answer, once", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: ["word "], end: "hang" };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "early");
  const stop = (who: typeof ada, body?: unknown) =>
    who.call("POST", `/api/tasks/chat/${chatId}/stop`, body);

  const nothing = await stop(ada);
  assert.equal(nothing.status, 404, "nothing is asked, and nothing is named");
  await nothing.body?.cancel();
  const { status } = await (await stop(ada, { message_ids: ["a"] })).json() as StopAnswer;
  assert.equal(status, true);
  await ask(ada, chatId);
  const end = await answered(client, chatId);
  assert.equal(end.data.data.interrupted, true);
  assert.equal((await message(ada, chatId)).interrupted, true);
  await until(() => app.services.tasks.size === 0, { what: "the task's end" });

  await (await stop(eve, { message_ids: ["a"] })).body?.cancel();
  const taskId = await ask(ada, chatId);
  await until(async () => (await message(ada, chatId)).done === false, { what: "it to run again" });
  assert.equal(app.services.tasks.size, 1, "neither an old stop nor a stranger's ends it");
  await ada.json("POST", `/api/tasks/stop/${taskId}`);
  await until(() => app.services.tasks.size === 0, { what: "the task's end" });
});

Deno.test("W11: a stop that comes while the question is being stored ends the answer", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: ["word "], end: "hang" };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "early");
  const { chats } = app.services;
  const summary = chats.summary.bind(chats);
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  chats.summary = async (userId, id) => {
    reached.resolve();
    await goOn.promise;
    return await summary(userId, id);
  };
  const asking = ask(ada, chatId);
  await reached.promise;
  const stopped = await ada.json<StopAnswer>("POST", `/api/tasks/chat/${chatId}/stop`);
  assert.equal(stopped.status, true);
  goOn.resolve();
  await asking;
  await until(() => app.services.tasks.size === 0, { what: "the task's end" });
  assert.equal((await message(ada, chatId)).interrupted, true);
});
