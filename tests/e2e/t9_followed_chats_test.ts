import assert from "node:assert/strict";
import { startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { type Client, connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { answered, ask, assertGapless, completions, newChat, textOf } from "./support/chat.ts";

const TOKENS = Array.from({ length: 200 }, (_, at) => `word${at} `.repeat(20));
const TEXT = TOKENS.join("");
const TABS = 20;

async function follow({ socket }: Client, chat_ids: string[] | null): Promise<void> {
  assert.deepEqual(await socket.emitWithAck("chat:follow", { chat_ids }), { status: true });
}

Deno.test("T9: of 20 tabs only the one that looks at the chat is sent its text, the others its end", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: TOKENS, paceMs: 2 };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "titled");
  await using stack = new AsyncDisposableStack();
  const tabs: Client[] = [];
  for (let i = 0; i < TABS; i++) tabs.push(stack.use(await connect(app.url, ada.token)));
  const [looks, ...others] = tabs as [Client, ...Client[]];
  await follow(looks, [chatId]);
  for (const other of others) await follow(other, []);
  const sentBefore = app.sockets.server.stats().sentBytes;

  await ask(ada, chatId);
  for (const tab of tabs) await answered(tab, chatId);
  const sentBytes = app.sockets.server.stats().sentBytes - sentBefore;
  say(`T9: ${sentBytes} bytes to ${TABS} tabs for ${TEXT.length} characters`);

  const heard = completions(looks, chatId);
  assertGapless(heard);
  assert.equal(textOf(heard), TEXT);
  for (const other of others) {
    assert.deepEqual(completions(other, chatId).map(({ data }) => data.data.done), [true]);
  }
  const lookerBytes = heard.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
  assert.ok(lookerBytes > TEXT.length, "the one that looks is sent the text");
  // Beside the text: that an answer begins and ends, to every tab.
  assert.ok(sentBytes < lookerBytes + 1_000 * TABS, `${sentBytes}, ${lookerBytes} to who looks`);
});

Deno.test("T9: who begins to follow in mid-answer misses nothing; who stops hears all again", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: TOKENS, paceMs: 3 };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "titled");
  await using first = await connect(app.url, ada.token);
  await using second = await connect(app.url, ada.token);
  await follow(second, []);
  await ask(ada, chatId);
  await until(() => textOf(completions(first, chatId)).length > TEXT.length / 3);
  await follow(second, [chatId]);
  const soFar = await second.socket.emitWithAck("chat:resume", { chat_id: chatId });
  await answered(second, chatId);
  const rest = completions(second, chatId).filter(({ seq }) => seq > soFar.seq);
  assertGapless(rest, soFar.seq + 1);
  assert.equal(soFar.content + textOf(rest), TEXT);

  await follow(second, null);
  const next = await newChat(ada, "another");
  await ask(ada, next);
  await answered(second, next);
  assert.equal(textOf(completions(second, next)), TEXT);
});
