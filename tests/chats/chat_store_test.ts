import assert from "node:assert/strict";
import { ChatAnswers } from "../../lib/chats/answers.ts";
import { ChatStore } from "../../lib/chats/chat_store.ts";
import { storedChange } from "../../lib/chats/message_changes.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import type { ChatMessage } from "../../lib/protocol/chat.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { StateKey } from "../../lib/state/state_store.ts";

const openStore = () => openKvStore({ path: ":memory:", keyPrefix: "test", logger: silentLogger });

function message(id: string, fields: Partial<ChatMessage> = {}): ChatMessage {
  return { id, role: "user", content: "", childrenIds: [], ...fields };
}

Deno.test("ChatStore gives back the chat it was given", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const created = await chats.create("u1", {
    title: "Greetings",
    models: ["echo"],
    history: { currentId: "m1", messages: { m1: message("m1", { content: "Hi" }) } },
  });
  const { seen, ...history } = created.chat.history ?? {};
  const read = await chats.get("u1", created.id);
  assert.deepEqual({ ...read.chat.history, seen: undefined }, { ...history, seen: undefined });
  assert.notEqual(read.chat.history?.seen, seen, "each reading has a name of its own");
  assert.equal(created.chat.history?.messages?.m1?.content, "Hi");
});

Deno.test("ChatStore does not tell a stranger that a chat exists", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const { id } = await chats.create("u1", {});
  for (const attempt of [chats.get("u2", id), chats.delete("u2", id), chats.update("u2", id, {})]) {
    await assert.rejects(attempt, { code: "not_found" });
  }
  assert.equal((await chats.get("u1", id)).id, id);
});

Deno.test("ChatStore pages through chats, last changed first, each once", async () => {
  await using store = await openStore();
  let now = 1_000_000;
  const chats = new ChatStore(store, { nowMs: () => now });
  const ids: string[] = [];
  for (let i = 0; i < 25; i++) {
    now += 1000;
    ids.unshift((await chats.create("u1", { title: `chat ${i}` })).id);
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await chats.page("u1", { limit: 10, cursor });
    seen.push(...page.chats.map((chat) => chat.id));
    cursor = page.cursor;
  } while (cursor);
  assert.deepEqual(seen, ids);
});

Deno.test("ChatStore keeps what the server writes when a client posts an older history", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const { id } = await chats.create("u1", {});
  await chats.addMessage(
    "u1",
    id,
    message("live", { role: "assistant", generation: "g", done: false }),
  );
  await chats.changeMessage(id, "live", (m) => m && { ...m, content: "so far" });
  await chats.update("u1", id, {
    history: { messages: { live: message("live"), b: message("b") } },
  });
  const messages = (await chats.get("u1", id)).chat.history?.messages ?? {};
  assert.equal(messages.live?.content, "so far");
  assert.deepEqual(Object.keys(messages).sort(), ["b", "live"]);
  await chats.update("u1", id, { history: { messages: { b: message("b") } } });
  assert.ok((await chats.get("u1", id)).chat.history?.messages?.live, "a live answer stays");
});

Deno.test("ChatStore loses no change of emitters that speak at once", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const { id } = await chats.create("u1", { history: { messages: { m: message("m") } } });
  await Promise.all(Array.from({ length: 200 }, (_, i) => {
    const change = storedChange(
      i % 2 ? { type: "message", data: { content: "x" } } : { type: "files", data: { files: [i] } },
    );
    return chats.changeMessage(id, "m", (m) => m && change?.(m));
  }));
  const stored = await chats.message(id, "m");
  assert.equal(stored?.content, "x".repeat(100));
  assert.equal(stored?.files?.length, 100);
});

Deno.test("ChatStore takes a message far over the store's entry limit", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const content = "é".repeat(1_000_000);
  const { id } = await chats.create("u1", {
    history: { messages: { m: message("m", { content }) } },
  });
  assert.equal((await chats.message(id, "m"))?.content, content);
  await chats.delete("u1", id);
  await assert.rejects(chats.get("u1", id), { code: "not_found" });
  assert.equal(await chats.message(id, "m"), undefined);
});

Deno.test("T7: an answer that a client saved away before it began is back under its question", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const question = { history: { currentId: "q", messages: { q: message("q") } } };
  const { id: chatId } = await chats.create("u1", question);
  const answer = message("a", { role: "assistant", parentId: "q" });
  await chats.addMessage("u1", chatId, answer);
  await chats.update("u1", chatId, question);
  const ref = { userId: "u1", chatId, messageId: "a", generation: "g" };
  await new ChatAnswers(chats).begin(ref, { model: "m", parentId: "q" });
  const begun = async () => (await chats.get("u1", chatId)).chat.history;
  assert.equal((await begun())?.messages?.a?.parentId, "q");
  assert.deepEqual((await begun())?.messages?.q?.childrenIds, ["a"]);
  assert.equal((await begun())?.currentId, "a");

  await chats.update("u1", chatId, question);
  assert.deepEqual(
    (await begun())?.messages?.q?.childrenIds,
    ["a"],
    "a live answer keeps its place",
  );
});

Deno.test("ChatStore keeps the end of an answer when a client posts what it read in mid-answer", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const answers = new ChatAnswers(chats);
  const { id: chatId } = await chats.create("u1", {});
  const ref = { userId: "u1", chatId, messageId: "a", generation: "g" };
  await answers.begin(ref, { model: "m", parentId: null });
  const { history } = (await chats.get("u1", chatId)).chat;
  await answers.finish(ref, { content: "whole", done: true });
  await chats.update("u1", chatId, { history });
  const stored = await chats.message(chatId, "a");
  assert.deepEqual([stored?.content, stored?.done], ["whole", true]);

  const copy = await chats.create("u1", { history });
  await chats.update("u1", copy.id, {
    history: { seen: copy.chat.history?.seen, messages: {} },
  });
  assert.equal(await chats.message(copy.id, "a"), undefined, "nobody writes a copy");
});

Deno.test("ChatStore leaves nothing of a chat that is deleted while messages are written", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  let deleteNow: (() => Promise<void>) | undefined;
  // The chat is deleted between the look at its record and the write.
  const racing = new ChatStore({
    ...store,
    values: {
      ...store.values,
      async get<T>(key: StateKey) {
        const found = await store.values.get<T>(key);
        const run = deleteNow;
        deleteNow = undefined;
        await run?.();
        return found;
      },
    },
  });
  const late = message("late", { parentId: "q" });
  const writes: Record<string, (id: string) => Promise<unknown>> = {
    "a history": (id) => racing.update("u1", id, { history: { messages: { late } } }),
    "an answer": (chatId) =>
      new ChatAnswers(racing).begin(
        { userId: "u1", chatId, messageId: "late", generation: "g" },
        { model: "m", parentId: "q" },
      ),
    "a message": async (id) => {
      await racing.summary("u1", id);
      await racing.addMessage("u1", id, late);
    },
  };
  for (const [what, write] of Object.entries(writes)) {
    const { id } = await chats.create("u1", { history: { messages: { q: message("q") } } });
    deleteNow = () => chats.delete("u1", id);
    await assert.rejects(write(id), { code: "not_found" }, what);
    for await (const page of store.dictionary(keys.chatMessages(id)).scan()) {
      assert.deepEqual(page, [], what);
    }
  }
});

Deno.test("ChatStore lists no remains of deleted chats, and deletes all chats of a user", async () => {
  await using store = await openStore();
  let now = 1_000_000_000;
  const chats = new ChatStore(store, { nowMs: () => now });
  const index = store.sortedIndex(keys.userChats("u1"));
  await index.put({ member: "ghost", score: now / 1_000 });
  await chats.page("u1");
  assert.notEqual(await index.score("ghost"), undefined, "it may be in the making");
  now += 61_000;
  await chats.page("u1");
  assert.equal(await index.score("ghost"), undefined);

  for (let i = 0; i < 60; i++) {
    await chats.create("u1", { history: { messages: { q: message("q") } } });
  }
  const { id: others } = await chats.create("u2", {});
  assert.equal(await chats.deleteAll("u1", AbortSignal.abort()), false);
  assert.equal((await chats.page("u1")).chats.length, 50);
  assert.equal(await chats.deleteAll("u1", new AbortController().signal), true);
  assert.deepEqual((await chats.page("u1")).chats, []);
  assert.equal((await chats.get("u2", others)).id, others);
});

Deno.test("ChatStore keeps the messages when a history is saved without them", async () => {
  await using store = await openStore();
  const chats = new ChatStore(store);
  const { id } = await chats.create("u1", { history: { messages: { m: message("m") } } });
  await chats.update("u1", id, { title: "New", history: { currentId: "m" } });
  assert.deepEqual(Object.keys((await chats.get("u1", id)).chat.history?.messages ?? {}), ["m"]);
});
