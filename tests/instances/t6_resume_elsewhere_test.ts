import assert from "node:assert/strict";
import type { ResumeAnswer } from "../../lib/protocol/events.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, assertGapless, completions, message, newChat, textOf } from "../e2e/support/chat.ts";
import { at, inModes } from "../support/instances.ts";

const TOKENS = Array.from({ length: 1_200 }, (_, i) => `${i}·é🙂 `);
const TEXT = TOKENS.join("");

inModes(
  ["redis", "kv", "kvconnect", "cluster"],
  "T6: who leaves A at token 500 and comes to B at 900 has every byte, once; so has a new tab there",
  async ({ a, b, provider }) => {
    provider.script = { tokens: TOKENS, paceMs: 4, tokensPerWrite: 3 };
    const ada = await signUp(a.url);
    const chatId = await newChat(ada, "titled");
    let heard: ReturnType<typeof completions>;
    {
      await using before = await connect(a.url, ada.token);
      await ask(ada, chatId);
      await until(() => textOf(completions(before, chatId)).includes("500·"), { what: "500" });
      before.socket.disconnect();
      heard = completions(before, chatId);
    }
    assertGapless(heard);
    const last = heard.at(-1);
    const request = provider.requests.at(-1);
    await until(() => (request?.writes ?? 0) >= 300, { what: "token 900" });

    await using after = await connect(b.url, ada.token);
    await using tab = await connect(b.url, ada.token);
    const seen = { after: last?.seq, generation: last?.data.data.generation };
    const resume = async (client: typeof after, more: Record<string, unknown>) => {
      const answer: ResumeAnswer = await client.socket.emitWithAck("chat:resume", {
        chat_id: chatId,
        ...more,
      });
      assert.equal(answer.active, true, "the stream had ended before the reader was back");
      return answer;
    };
    const [missed, all] = await Promise.all([
      resume(after, { message_id: "a", ...seen }),
      resume(tab, {}),
    ]);
    const rest = (client: typeof after, { seq }: ResumeAnswer) =>
      completions(client, chatId).filter((event) => event.seq > seq);
    for (const [client, answer] of [[after, missed], [tab, all]] as const) {
      await until(() => rest(client, answer).some(({ data }) => data.data.done), {
        what: "the end",
      });
      assertGapless(rest(client, answer), answer.seq + 1);
    }
    assert.equal(textOf(heard) + missed.content + textOf(rest(after, missed)), TEXT);
    assert.equal(all.content + textOf(rest(tab, all)), TEXT);
    assert.equal((await message(at(b.url, ada), chatId)).content, TEXT);
    const late: ResumeAnswer = await after.socket.emitWithAck("chat:resume", {
      chat_id: chatId,
      message_id: "a",
      ...seen,
    });
    assert.deepEqual([late.done, late.active], [true, false]);
    assert.equal(textOf(heard) + late.content, TEXT, "also after the end, from the store");
  },
);
