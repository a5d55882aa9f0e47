import assert from "node:assert/strict";
import type { ChatEvent, CompletionEvent, ResumeAnswer } from "../../lib/protocol/events.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { WireClient } from "../transport/support/wire_client.ts";
import { answered, ask, assertGapless, completions, newChat, textOf } from "./support/chat.ts";

/** More than the kernel holds for a connection that nobody reads. */
const TOKENS = Array.from({ length: 3_000 }, (_, i) => `${i}${"語".repeat(1_000)}`);
const TEXT = TOKENS.join("");

/** A tab that signs in and then reads nothing until it is told to. */
async function stoppedTab(url: string, token: string): Promise<WireClient> {
  const tab = await WireClient.connect(Number(new URL(url).port));
  tab.pauseAfter((texts) => texts.some((text) => text.startsWith("40")));
  await tab.upgrade({ path: "/ws/socket.io/?EIO=4&transport=websocket" });
  await tab.send(`40${JSON.stringify({ token })}`);
  await tab.until(() => tab.isPaused, "the session");
  return tab;
}

function completionsOf(tab: WireClient, chatId: string): CompletionEvent[] {
  return tab.texts.filter((text) => text.startsWith('42["events"'))
    .map((text) => JSON.parse(text.slice(2))[1] as ChatEvent)
    .filter((event): event is CompletionEvent =>
      event.data.type === "chat:completion" && event.chat_id === chatId
    );
}

Deno.test("a tab that stops reading is cut, others go on, and it comes back by resume", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: TOKENS };
  await using app = await startServer({
    OPENAI_API_BASE_URL: provider.baseUrl,
    SEND_BUFFER_LIMIT: "65536",
    WEBSOCKET_MAX_PAYLOAD: "20000",
  });
  const ada = await signUp(app.url);
  await using tab = await stoppedTab(app.url, ada.token);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "titled");
  await ask(ada, chatId);
  await answered(client, chatId, 30_000);
  assertGapless(completions(client, chatId));
  assert.equal(textOf(completions(client, chatId)), TEXT);
  assert.equal(app.sockets.server.stats().slowReadersCut, 1);

  tab.resume();
  await tab.until(() => tab.ended, "the end of the tab's connection");
  const seen = completionsOf(tab, chatId);
  assertGapless(seen);
  await using back = await connect(app.url, ada.token);
  const last = seen.at(-1);
  const rest: ResumeAnswer = await back.socket.emitWithAck("chat:resume", {
    chat_id: chatId,
    message_id: "a",
    ...(last && { after: last.seq, generation: last.data.data.generation }),
  });
  say(`slow tab: cut after seq ${last?.seq ?? 0} of ${rest.seq}`);
  assert.equal(rest.done, true);
  assert.equal(textOf(seen) + rest.content, TEXT);
});

Deno.test("a tab that is slow and alive hears merged deltas, every one in order", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: TOKENS };
  await using app = await startServer({
    OPENAI_API_BASE_URL: provider.baseUrl,
    SEND_BUFFER_LIMIT: "67108864",
  });
  const ada = await signUp(app.url);
  await using tab = await stoppedTab(app.url, ada.token);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "titled");
  await ask(ada, chatId);
  await answered(client, chatId, 30_000);
  tab.resume();
  await tab.until(
    () => completionsOf(tab, chatId).at(-1)?.data.data.done,
    "the answer's end",
    15_000,
  );
  const heard = completionsOf(tab, chatId);
  assertGapless(heard);
  assert.equal(textOf(heard), TEXT);
  assert.ok(heard.some(({ from }) => from !== undefined), "nothing was merged");
  assert.equal(app.sockets.server.stats().slowReadersCut, 0);
});
