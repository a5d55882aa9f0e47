import assert from "node:assert/strict";
import type { ChatEvent } from "../../lib/protocol/events.ts";
import { createEventEmitter } from "../../lib/realtime/emitter.ts";
import { say } from "../support/say.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { at, inModes } from "../support/instances.ts";
import { message, newChat } from "../e2e/support/chat.ts";

const SIZE = 33_000_000;
const small = (n: number): ChatEvent => ({
  chat_id: "c",
  message_id: "m",
  data: { type: "notification", data: { n } },
});

inModes(
  ["redis", "kv", "kvconnect"],
  "T5: an event of 33 MB from A reaches the socket on B, is stored, and cuts nobody off",
  async ({ a, b }) => {
    const ada = await signUp(a.url);
    const eve = await signUp(a.url);
    await using client = await connect(b.url, ada.token);
    await using other = await connect(b.url, eve.token);
    let drops = 0;
    for (const { socket } of [client, other]) socket.on("disconnect", () => drops++);
    const chatId = await newChat(ada, "titled");
    const content = "0123456789abcdef".repeat(SIZE / 16);
    const target = { userId: ada.id, chatId, messageId: "q" };
    const began = performance.now();
    const emit = createEventEmitter(a.sockets.io, a.services.chats, target);
    const stored = until(
      // A busy machine may not write this much in a command's time: then it is tried again.
      () => emit({ type: "replace", data: { content } }).then(() => true, () => false),
      { what: "the text to be stored", limitMs: 60_000 },
    );
    for (let n = 0; n < 20; n++) a.sockets.toUser(eve.id, small(n));
    await until(() => other.events.length === 20, { what: "what others are told meanwhile" });
    const othersMs = performance.now() - began;
    const heard = await until(() => client.events.find(({ data }) => data.type === "replace"), {
      what: "the large event",
      limitMs: 60_000,
    });
    say(
      `T5: 33 MB in ${Math.round(performance.now() - began)} ms, others ${Math.round(othersMs)} ms`,
    );
    assert.equal((heard.data as { data: { content: string } }).data.content, content);
    await stored;
    const question = await message(at(b.url, ada), chatId, "q");
    assert.equal(question.content, content, "the text is in the chat");
    a.sockets.toUser(ada.id, small(99));
    await until(() => client.events.at(-1)?.data.type === "notification", { what: "the next" });
    assert.equal(drops, 0, "somebody was cut off");
  },
);
