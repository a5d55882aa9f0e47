import assert from "node:assert/strict";
import fc from "fast-check";
import type { ResumeAnswer } from "../../lib/protocol/events.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { seedOf } from "../support/say.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, assertGapless, completions, message, newChat, textOf } from "./support/chat.ts";

const TOKENS = 150;

Deno.test("T6: who leaves at any token and comes back at any other has every byte, once", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const tokens = Array.from({ length: TOKENS }, (_, i) => `${i}·é🙂 `);
  const text = tokens.join("");
  provider.script = { tokens, paceMs: 2 };

  const comesBack = async (leaveAt: number, missed: number, isNewTab: boolean) => {
    const chatId = await newChat(ada, "titled");
    let content = "";
    let last: { seq: number; generation?: string } = { seq: 0 };
    {
      await using before = await connect(app.url, ada.token);
      await ask(ada, chatId);
      const heardTokens = () => textOf(completions(before, chatId)).split("·").length - 1;
      await until(() => heardTokens() >= leaveAt, { what: "leaving" });
      before.socket.disconnect();
      const heard = completions(before, chatId);
      assertGapless(heard);
      if (!isNewTab) {
        content = textOf(heard);
        const event = heard.at(-1);
        if (event) last = { seq: event.seq, generation: event.data.data.generation };
      }
    }
    const request = provider.requests.at(-1);
    await until(() => (request?.writes ?? 0) >= Math.min(TOKENS, leaveAt + missed));
    await using after = await connect(app.url, ada.token);
    const answer: ResumeAnswer = await after.socket.emitWithAck("chat:resume", {
      chat_id: chatId,
      ...(!isNewTab && { message_id: "a", after: last.seq, generation: last.generation }),
    });
    content += answer.content;
    const rest = () => completions(after, chatId).filter(({ seq }) => seq > answer.seq);
    await until(() => answer.done || rest().some(({ data }) => data.data.done), {
      what: "the end",
    });
    assertGapless(rest(), answer.seq + 1);
    assert.equal(content + textOf(rest()), text);
    assert.equal((await message(ada, chatId)).content, text);
  };

  const point = fc.integer({ min: 1, max: TOKENS });
  await fc.assert(
    fc.asyncProperty(point, point, fc.boolean(), comesBack),
    { seed: seedOf("T6"), numRuns: 12, endOnFailure: true },
  );
});

Deno.test("T6: resume of a chat of somebody else is not_found; of one without a stream, nothing", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  const chatId = await newChat(ada);
  await using owner = await connect(app.url, ada.token);
  await using spy = await connect(app.url, eve.token);
  const refused = await spy.socket.emitWithAck("chat:resume", { chat_id: chatId });
  assert.equal(refused.error.code, "not_found");
  const nothing = await owner.socket.emitWithAck("chat:resume", { chat_id: chatId });
  assert.deepEqual(nothing, { active: false, seq: 0, content: "", done: false });
});
