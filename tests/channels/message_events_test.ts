import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import type { ChannelMessage } from "../../lib/protocol/channel.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { type ChannelClient, connectToChannels, makeGroup, post, refusal } from "./fixture.ts";

const path = (channelId: string, messageId: string) =>
  `/api/v1/chats/channel:${channelId}/messages/${messageId}/event`;

const shown = (client: ChannelClient) =>
  client.of("message:update").map(({ data }) => data.data as ChannelMessage);

Deno.test("events of a channel's message are stored as a chat's, and its room is shown them", async () => {
  await using app = await startServer();
  const [, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  const { id } = await post(ada, channel.id, "a", { data: { own: 1, statusHistory: ["first"] } });
  await using listener = await connectToChannels(app.url, bob.token);
  const emit = (type: string, data: unknown) =>
    ada.json("POST", path(channel.id, id), { type, data });
  await emit("message", { content: "b" });
  await emit("status", { description: "looking" });
  await emit("files", { files: ["f1"] });
  await emit("files", { files: ["f2"] });
  await emit("embeds", { embeds: ["e1"] });
  await emit("embeds", { embeds: ["e2"], replace: true });
  await emit("source", { name: "s" });
  await emit("citation", { type: "code_execution", name: "not kept" });
  const expected = {
    own: 1,
    statusHistory: ["first", { description: "looking" }],
    files: ["f1", "f2"],
    embeds: ["e2"],
    sources: [{ name: "s" }],
  };
  await until(() => shown(listener).at(-1)?.data?.sources !== undefined, { what: "the last one" });
  const stored = await bob.json<ChannelMessage>(
    "GET",
    `/api/v1/channels/${channel.id}/messages/${id}`,
  );
  for (const message of [stored, shown(listener).at(-1)]) {
    assert.deepEqual([message?.content, message?.data], ["ab", expected]);
  }
  await emit("replace", { content: "new" });
  await until(() => shown(listener).at(-1)?.content === "new", { what: "the replacement" });
  assert.deepEqual(shown(listener).at(-1)?.data, expected);
  assert.equal(listener.of("message:update").at(-1)?.user?.id, ada.id);

  await using own = await connectToChannels(app.url, ada.token);
  await emit("notification", { content: "done" });
  await until(() => own.events.some(({ data }) => data.type === "notification"));
  assert.equal(own.events[0]?.chat_id, `channel:${channel.id}`);
  assert.deepEqual(listener.events, []);
});

Deno.test("only who may change a channel's message may send its events", async () => {
  await using app = await startServer();
  const [admin, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  const other = await makeGroup(bob, []);
  const { id } = await post(ada, channel.id, "mine");
  await using listener = await connectToChannels(app.url, bob.token);
  const event = { type: "replace", data: { content: "yours" } };
  assert.equal(await refusal(bob, "POST", path(channel.id, id), event), "403 forbidden");
  assert.equal(await refusal(admin, "POST", path(channel.id, id), event), "404 not_found");
  assert.equal(await refusal(bob, "POST", path(other.id, id), event), "404 not_found");
  assert.equal(await refusal(ada, "POST", path(channel.id, "none"), event), "404 not_found");
  assert.equal(await refusal(ada, "POST", path("none", id), event), "404 not_found");
  const long = { type: "message", data: { content: "x".repeat(200_000) } };
  assert.match(await refusal(ada, "POST", path(channel.id, id), long), /too_large/);
  const heavy = { type: "files", data: { files: ["x".repeat(1024 * 1024)] } };
  assert.match(await refusal(ada, "POST", path(channel.id, id), heavy), /too_large/);
  const stored = await ada.json<ChannelMessage>(
    "GET",
    `/api/v1/channels/${channel.id}/messages/${id}`,
  );
  assert.equal(stored.content, "mine");
  assert.deepEqual(listener.of("message:update"), []);
});

/** More than one person writes in a second, as a tool of theirs may. */
const MANY_WRITES = { QUOTA_WRITES_PER_SECOND: "10000" };

async function emitMany(author: Person, far: App): Promise<void> {
  const channel = await makeGroup(author, []);
  const { id } = await post(author, channel.id, "");
  await using listener = await connectToChannels(far.url, author.token);
  const startMs = performance.now();
  let sent = 0;
  // A slow machine takes longer until the room has heard of it several times.
  while (performance.now() - startMs < 1_000 || shown(listener).length < 3) {
    await Promise.all(
      Array.from(
        { length: 5 },
        () =>
          author.json("POST", path(channel.id, id), { type: "message", data: { content: "x" } }),
      ),
    );
    sent += 5;
  }
  const last = () => shown(listener).at(-1)?.content.length;
  await until(() => last() === sent, { what: "the last one" });
  const most = (performance.now() - startMs) / 150 + 1;
  assert.ok(shown(listener).length <= most, `${shown(listener).length} updates, at most ${most}`);
}

Deno.test("many events at once lose nothing; the room hears at most one in 150 ms, and the last", async () => {
  await using app = await startServer(MANY_WRITES);
  await emitMany(await signUp(app.url), app);
});

Deno.test({
  name: "the same, heard on another instance",
  ignore: !redisAvailable(),
  async fn() {
    await using redis = await RedisServer.start();
    const env = { ...MANY_WRITES, WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: redis.url };
    await using near = await startServer(env);
    await using far = await startServer(env);
    await emitMany(await signUp(near.url), far);
  },
});
