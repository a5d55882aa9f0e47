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
