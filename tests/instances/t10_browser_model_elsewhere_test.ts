import assert from "node:assert/strict";
import type { Socket } from "socket.io-client";
import type { ChatEvent } from "../../lib/protocol/events.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, completions, message, newChat, textOf } from "../e2e/support/chat.ts";
import { inModes } from "../support/instances.ts";

interface Asked {
  channel: string;
  /** Says that the browser takes the request. */
  accept(): void;
}

const line = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}`;

/** What a browser is asked to run. */
function askedOf(socket: Socket): Asked[] {
  const asked: Asked[] = [];
  socket.on("events", ({ data }: ChatEvent, ack?: (answer: unknown) => void) => {
    if (data.type !== "request:chat:completion") return;
    const { channel } = data.data as { channel: string };
    asked.push({ channel, accept: () => ack?.({ status: true }) });
  });
  return asked;
}

inModes(
  ["redis", "kv", "kvconnect", "sentinel", "cluster"],
  "T10: asked at A, a browser at B streams 500 lines in order; after a reconnect it goes on",
  async ({ a, b }) => {
    const ada = await signUp(a.url);
    await using client = await connect(b.url, ada.token);
    const { socket } = client;
    const asked = askedOf(socket);
    const chatId = await newChat(ada, "titled");
    await ask(ada, chatId, {
      session_id: socket.id,
      model: "in-the-browser",
      model_item: { id: "in-the-browser", direct: true, urlIdx: 0 },
    });
    const { channel, accept } = await until(() => asked[0], { what: "the request at B" });
    accept();
    for (let i = 0; i < 500; i++) socket.emit(channel, line(`${i} `));
    await until(() => textOf(completions(client, chatId)).includes("499 "), { what: "the lines" });
    const before = socket.id;
    socket.io.engine.close();
    await until(() => socket.connected && socket.id !== before, { what: "the reconnect" });
    await socket.emitWithAck(channel, line("after"));
    await socket.emitWithAck(channel, "data: [DONE]");
    socket.emit(channel, { done: true });
    await until(async () => (await message(ada, chatId)).done, { what: "the end" });
    const stored = await message(ada, chatId);
    assert.equal(
      stored.content,
      Array.from({ length: 500 }, (_, i) => `${i} `).join("") + "after",
    );
    assert.equal(stored.error, undefined);
  },
);

inModes(
  ["redis", "kv", "kvconnect"],
  "T10: a browser that reconnects before it has answered is told at once, not after the time limit",
  async ({ a, b }) => {
    const ada = await signUp(a.url);
    await using client = await connect(b.url, ada.token);
    const asked = askedOf(client.socket);
    const chatId = await newChat(ada, "titled");
    await ask(ada, chatId, {
      session_id: client.socket.id,
      model: "in-the-browser",
      model_item: { id: "in-the-browser", direct: true, urlIdx: 0 },
    });
    await until(() => asked.length === 1, { what: "the request at B" });
    const before = client.socket.id;
    client.socket.io.engine.close();
    await until(() => client.socket.connected && client.socket.id !== before, {
      what: "the reconnect",
    });
    // The end was told while the browser was away: the chat has it.
    const stored = await until(async () => {
      const found = await message(ada, chatId);
      return found.done ? found : undefined;
    }, { what: "the answer's end" });
    assert.match(stored.error?.content ?? "", /disconnected/);
    assert.equal(asked.length, 1);
  },
);
