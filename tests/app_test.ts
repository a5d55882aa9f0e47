import assert from "node:assert/strict";
import type { Chat } from "../lib/protocol/chat.ts";
import type { CompletionEvent } from "../lib/protocol/events.ts";
import { connect, signUp, startServer } from "./support/server.ts";
import { until } from "./support/until.ts";

const isCompletion = (event: { data: { type: string } }): event is CompletionEvent =>
  event.data.type === "chat:completion";

const textOf = (events: CompletionEvent[]) =>
  events.map(({ data }) => data.data.choices?.[0].delta.content ?? "").join("");

Deno.test("a client connects, the built-in model streams word by word, and the chat has it all", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  assert.equal(ada.role, "admin");
  await using client = await connect(app.url, ada.token);
  const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
    chat: {
      history: {
        currentId: "q",
        messages: { q: { id: "q", role: "user", content: "to be or not to be", childrenIds: [] } },
      },
    },
  });
  const started = await ada.json<{ status: boolean; task_ids: string[] }>(
    "POST",
    "/api/chat/completions",
    {
      model: "echo",
      stream: true,
      chat_id: chatId,
      id: "a",
      session_id: client.socket.id,
      messages: [{ role: "user", content: "to be or not to be" }],
    },
  );
  assert.equal(started.task_ids.length, 1);
  await until(() => client.events.filter(isCompletion).at(-1)?.data.data.done === true);
  const completions = client.events.filter(isCompletion);
  assert.deepEqual(completions.map(({ seq }) => seq), completions.map((_, i) => i + 1));
  assert.equal(textOf(completions), "to be or not to be");
  assert.equal(completions.at(-1)?.data.data.done, true);
  const chat = await ada.json<Chat>("GET", `/api/v1/chats/${chatId}`);
  const answer = chat.chat.history?.messages?.a;
  assert.equal(answer?.content, "to be or not to be");
  assert.equal(answer?.done, true);
  assert.equal(answer?.parentId, "q");
  assert.equal(chat.title, "to be or not to be");
  await until(async () => {
    const { task_ids } = await ada.json<{ task_ids: string[] }>("GET", `/api/tasks/chat/${chatId}`);
    return task_ids.length === 0;
  }, { what: "the task to be over" });
});

const sanitized = { sanitizeOps: true, sanitizeResources: true };

Deno.test("a start that fails leaves nothing open", sanitized, async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(startServer({ PORT: String(taken.addr.port) }), /in use|EADDRINUSE/i);
});
