import assert from "node:assert/strict";
import { ChatAnswers } from "../../lib/chats/answers.ts";
import { ChatStore } from "../../lib/chats/chat_store.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";

Deno.test("an answer is ended once; what others took for interrupted gets its real end, and keeps it", async () => {
  await using store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  const chats = new ChatStore(store);
  const answers = new ChatAnswers(chats);
  const { id: chatId } = await chats.create("ada", { title: "t" });
  const ref = { userId: "ada", chatId, messageId: "a", generation: "g1" };
  const sweep = { content: "as far as the log goes", done: true, interrupted: true } as const;
  const whole = { content: "as far as the log goes, and on", done: true } as const;
  const ends = async () => {
    const message = await chats.message(chatId, "a");
    return [message?.content, message?.interrupted];
  };
  await answers.begin(ref, { model: "m", parentId: null });
  assert.equal(await answers.finish(ref, sweep), "stored");
  assert.equal(await answers.finish(ref, sweep), "ended");
  assert.deepEqual(await ends(), [sweep.content, true]);
  assert.equal(await answers.finish(ref, { ...whole, interrupted: true }), "stored");
  assert.equal(await answers.finish(ref, sweep), "ended", "a sweep knows less");
  assert.equal(await answers.finish(ref, whole), "stored");
  assert.equal(await answers.finish(ref, sweep), "ended", "a whole answer stays whole");
  assert.deepEqual(await ends(), [whole.content, undefined]);
  assert.equal(await answers.finish({ ...ref, generation: "g0" }, whole), "superseded");
});

Deno.test("O4: the end of an answer that could not begin is stored where one is waited for, and nowhere else", async () => {
  await using store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  const chats = new ChatStore(store);
  const answers = new ChatAnswers(chats);
  const { id: chatId } = await chats.create("ada", { title: "t" });
  const place = { id: "a", parentId: null, childrenIds: [] };
  await chats.addMessage("ada", chatId, { ...place, role: "assistant", content: "" });
  const ref = (generation: string) => ({ userId: "ada", chatId, messageId: "a", generation });
  const error = { code: "unavailable", content: "The store is away." } as const;
  const refusal = { content: "", done: true, error } as const;
  assert.equal(await answers.finish(ref("g1"), refusal), "superseded");
  assert.equal(await answers.finish(ref("g1"), refusal, { isBegun: false }), "stored");
  assert.deepEqual((await chats.message(chatId, "a"))?.error, error);
  await answers.begin(ref("g2"), { model: "m", parentId: null });
  assert.equal(await answers.finish(ref("g3"), refusal, { isBegun: false }), "superseded");
  assert.equal(await answers.finish(ref("g2"), refusal, { isBegun: false }), "stored");
});
