/** What is shown: new objects at each change, as `useSyncExternalStore` wants them. */
import assert from "node:assert/strict";
import { AnswerStream } from "../../lib/client/answer_stream.ts";
import { ChannelList } from "../../lib/client/channel_list.ts";
import { ChannelModel } from "../../lib/client/channel_model.ts";
import { channelEventHandler } from "../../lib/client/channels.ts";
import { ChatList } from "../../lib/client/chat_list.ts";
import { ChatModel } from "../../lib/client/chat_model.ts";
import type { Connection } from "../../lib/client/connection.ts";
import type { Readable } from "../../lib/client/store.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

/** Every snapshot that is told, with what it said then. */
function watch<S>(readable: Readable<S>): { seen: [snapshot: S, then: string][] } {
  const seen: [S, string][] = [[readable.snapshot, JSON.stringify(readable.snapshot)]];
  readable.subscribe(() => {
    assert.equal(readable.snapshot, readable.snapshot, "two looks, two objects");
    if (seen.at(-1)?.[0] !== readable.snapshot) {
      seen.push([readable.snapshot, JSON.stringify(readable.snapshot)]);
    }
  });
  return { seen };
}

Deno.test("C2: lists, chats and channels are new objects at each change, and never changed ones", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url, "Ada"), await signUp(app.url, "Bob")];
  const { id: channelId } = await ada.json<{ id: string }>("POST", "/api/v1/channels/create", {
    name: "general",
  });
  await using one = await libraryClient({ url: app.url, token: ada.token });
  using channels = channelEventHandler(one.connection);
  using list = new ChannelList(channels);
  using channel = new ChannelModel(channels, { channelId });
  using chats = new ChatList(one.chats);
  using chat = new ChatModel(one.chats);
  const all = [watch(list), watch(channel), watch(chats), watch(chat)];
  await Promise.all([list.reload(), channel.load(), chats.reload()]);
  await bob.json("POST", `/api/v1/channels/${channelId}/messages/post`, { content: "Hello" });
  await until(() => list.snapshot.unread.get(channelId) === 1, { what: "what is unread" });
  await until(() => channel.snapshot.posts?.length === 1, { what: "the message" });
  await chat.send("Hello", { id: "echo" });
  await until(() => chat.snapshot.branch.at(-1)?.done === true, { what: "the answer" });
  await until(() => chats.snapshot.chats?.length === 1, { what: "the chat in the list" });
  for (const { seen } of all) {
    assert.ok(seen.length >= 2, "nothing was told");
    for (const [snapshot, then] of seen) assert.equal(JSON.stringify(snapshot), then);
  }
});

Deno.test("whatever can be disposed of has a way to say so in words: not every program has `using`", async () => {
  const modules = [
    await import("../../lib/client/mod.ts"),
    await import("../../lib/client/exports/documents.ts"),
    await import("../../lib/client/exports/python.ts"),
  ];
  const ended = modules.flatMap((all) => Object.entries(all)).filter(([, made]) =>
    typeof made === "function" && typeof made.prototype?.[Symbol.dispose] === "function"
  );
  assert.ok(ended.length >= 7, ended.map(([name]) => name).join());
  for (const [name, { prototype }] of ended as [string, { prototype: object }][]) {
    assert.ok("close" in prototype || "destroy" in prototype, name);
  }
});

Deno.test("C9: an answer of which nothing is heard is asked about within seconds, and told as lost", async () => {
  const asked: string[] = [];
  const connection = {
    status: { state: "online" },
    ask(event: string) {
      asked.push(event);
      const place = { active: true, generation: "g", seq: 1, content: "so far", done: false };
      return Promise.resolve(asked.length === 1 ? place : { ...place, content: "", lost: true });
    },
  } as unknown as Connection;
  const stream = new AnswerStream(connection, { chatId: "c", messageId: "m" });
  const states: string[] = [];
  stream.changes.add(() => states.push(stream.answer.snapshot.state));
  await stream.resume();
  assert.deepEqual(states, ["streaming"]);
  await until(() => states.at(-1) === "lost", { what: "the loss" });
  assert.deepEqual(asked, ["chat:resume", "chat:resume"]);
  stream.end();
});
