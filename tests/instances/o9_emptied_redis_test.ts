import assert from "node:assert/strict";
import { ask, completions, newChat, textOf } from "../e2e/support/chat.ts";
import { inModes } from "../support/instances.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";

inModes(
  ["redis"],
  "O9: Redis is emptied in mid-answer: every reader is told how it ended",
  async ({ a, redis, provider }) => {
    provider.script = { tokens: Array.from({ length: 60 }, (_, n) => `w${n} `), paceMs: 30 };
    const ada = await signUp(a.url);
    await using client = await connect(a.url, ada.token);
    const chats = await Promise.all([1, 2, 3].map(() => newChat(ada, "titled")));
    for (const chatId of chats) await ask(ada, chatId);
    await until(() => chats.every((chatId) => completions(client, chatId).length > 3), {
      what: "the streams",
    });
    await redis?.command("FLUSHALL");
    for (const chatId of chats) {
      const end = await until(() => {
        const last = completions(client, chatId).at(-1)?.data.data;
        return last?.done ? last : undefined;
      }, { what: "the end", limitMs: 60_000 });
      assert.equal(end.error?.code, "not_found");
      assert.ok(textOf(completions(client, chatId)).startsWith("w0 w1 "));
    }
  },
  { servers: 1 },
);
