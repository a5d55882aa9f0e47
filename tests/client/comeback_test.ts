import assert from "node:assert/strict";
import { ChannelModel } from "../../lib/client/channel_model.ts";
import { channelEventHandler } from "../../lib/client/channels.ts";
import { ChatModel } from "../../lib/client/chat_model.ts";
import { type CaughtUp, type Comeback, Comebacks } from "../../lib/client/comeback.ts";
import type { Channel } from "../../lib/protocol/channel.ts";
import { signUp, startServer } from "../support/server.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

/** Cuts the way, and resolves to what is said once it is whole again. */
async function breakOff(
  client: Awaited<ReturnType<typeof libraryClient>>,
  proxy: TcpProxy,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Comeback> {
  const told = Promise.withResolvers<Comeback>();
  const off = client.connection.onComeback(told.resolve);
  proxy.cut();
  await until(() => client.connection.status.state === "offline", { what: "the break" });
  await meanwhile();
  proxy.heal();
  const comeback = await told.promise;
  off();
  return comeback;
}

Deno.test("nothing was lost: an answer went on, and all that was said meanwhile is there", async () => {
  await using provider = startModelProvider();
  provider.script = {
    tokens: Array.from({ length: 400 }, (_, at) => `w${at} `),
    paceMs: 5,
  };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  await using proxy = new TcpProxy(Number(new URL(app.url).port));
  const ada = await signUp(app.url);
  const channel = await ada.json<Channel>("POST", "/api/v1/channels/create", { name: "team" });
  const url = `http://127.0.0.1:${proxy.port}`;
  await using client = await libraryClient({ url, token: ada.token });
  const channels = channelEventHandler(client.connection);
  using chat = new ChatModel(client.chats);
  using model = new ChannelModel(channels, { channelId: channel.id });
  await model.load();
  await chat.send("Count", { id: "stand-in" });
  const text = () => chat.snapshot.branch.at(-1)?.content ?? "";
  await until(() => text().includes("w20 "), { what: "the answer to begin" });

  const path = `/api/v1/channels/${channel.id}/messages/post`;
  const { outcome, awayMs } = await breakOff(
    client,
    proxy,
    () => ada.json("POST", path, { content: "while you were away" }),
  );
  assert.equal(outcome, "resumed");
  assert.ok(awayMs > 0);
  assert.equal(model.snapshot.posts?.at(-1)?.content, "while you were away");
  await until(() => !chat.snapshot.isStreaming, { what: "the end" });
  assert.equal(text(), provider.script.tokens?.join(""));
  channels.close();
});

Deno.test("a chat that was deleted meanwhile is not said to be resumed", async () => {
  await using app = await startServer();
  await using proxy = new TcpProxy(Number(new URL(app.url).port));
  const ada = await signUp(app.url);
  const { id } = await ada.json<{ id: string }>("POST", "/api/v1/chats/new", { chat: {} });
  const url = `http://127.0.0.1:${proxy.port}`;
  await using client = await libraryClient({ url, token: ada.token });
  using chat = new ChatModel(client.chats, { chatId: id });
  await chat.load();
  const { outcome } = await breakOff(
    client,
    proxy,
    () => ada.json("DELETE", `/api/v1/chats/${id}`),
  );
  assert.equal(outcome, "reloaded");
});

Deno.test("the worst counts; the first session is no comeback, and a break within a break is one", async () => {
  const comebacks = new Comebacks();
  const told: Comeback["outcome"][] = [];
  comebacks.onComeback(({ outcome }) => told.push(outcome));
  let answers: Promise<CaughtUp>[] = [];
  comebacks.add(() => answers[0]);
  comebacks.add(() => answers[1]);
  comebacks.add(() => "no promise");
  const settle = () => new Promise((resolve) => setTimeout(resolve));
  const comeBack = async (...found: (CaughtUp | Error)[]) => {
    answers = found.map((one) => one instanceof Error ? Promise.reject(one) : Promise.resolve(one));
    comebacks.gone();
    comebacks.back();
    await settle();
  };
  answers = [Promise.resolve("failed"), Promise.resolve("failed")];
  comebacks.back();
  await settle();
  assert.deepEqual(told, []);
  await comeBack("whole", "whole");
  await comeBack("whole", "anew");
  await comeBack("anew", "failed");
  await comeBack("whole", new Error("could not be read"));
  assert.deepEqual(told.splice(0), ["resumed", "reloaded", "failed", "failed"]);

  const late = Promise.withResolvers<CaughtUp>();
  answers = [late.promise, Promise.resolve("whole")];
  comebacks.gone();
  comebacks.back();
  comebacks.gone();
  late.resolve("whole");
  await settle();
  assert.deepEqual(told, [], "it is away again");
  answers = [Promise.resolve("whole"), Promise.resolve("whole")];
  comebacks.back();
  await settle();
  assert.deepEqual(told, ["resumed"]);
});
