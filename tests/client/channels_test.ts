import assert from "node:assert/strict";
import { ChannelList } from "../../lib/client/channel_list.ts";
import { ChannelModel } from "../../lib/client/channel_model.ts";
import {
  type ChannelChange,
  type ChannelEventHandler,
  channelEventHandler,
} from "../../lib/client/channels.ts";
import type { Channel, ChannelMessage } from "../../lib/protocol/channel.ts";
import type { ListedChannel } from "../../lib/protocol/http_routes.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

Deno.test("messages, replies, reactions, typing and deletion reach the others in a channel", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url, "Ada"), await signUp(app.url, "Bob")];
  const { id } = await ada.json<Channel>("POST", "/api/v1/channels/create", { name: "general" });
  await using one = await libraryClient({ url: app.url, token: ada.token });
  await using two = await libraryClient({ url: app.url, token: bob.token });
  using adas = channelEventHandler(one.connection, { userId: ada.id });
  using bobs = channelEventHandler(two.connection, { userId: bob.id });
  const heard: ChannelChange[] = [];
  adas.onChange((change) => heard.push(change));
  const find = <T extends ChannelChange["type"]>(type: T) =>
    heard.find((change): change is Extract<ChannelChange, { type: T }> => change.type === type);

  bobs.typing(id);
  const typing = await until(() => find("typing"), { what: "the typing" });
  assert.deepEqual(typing.users.map(({ name }) => name), ["Bob"]);

  const post = (content: string, parent_id?: string) =>
    bob.json<{ id: string }>("POST", `/api/v1/channels/${id}/messages/post`, {
      content,
      ...(parent_id && { parent_id }),
    });
  const first = await post("hello");
  const message = await until(() => find("message"), { what: "the message" });
  assert.equal(message.message.content, "hello");
  assert.equal(message.isOwn, false);
  await until(() => heard.some((change) => change.type === "typing" && change.users.length === 0), {
    what: "the end of the typing",
  });

  await post("a reply", first.id);
  await until(
    () => heard.some((one) => one.type === "message" && one.message.parent_id === first.id),
    { what: "the reply" },
  );
  await until(() => heard.some((one) => one.type === "changed" && one.message.reply_count === 1), {
    what: "the thread's new count",
  });
  const said = heard.flatMap((one) => one.type === "message" ? [one.message.content] : []);
  assert.deepEqual(said, ["hello", "a reply"], "what began the thread is not said again");
  await bob.json("POST", `/api/v1/channels/${id}/messages/${first.id}/reactions/add`, {
    name: "👍",
  });
  await until(
    () => heard.some((one) => one.type === "changed" && one.message.reactions[0]?.name === "👍"),
    { what: "the reaction" },
  );
  await bob.json("DELETE", `/api/v1/channels/${id}/messages/${first.id}/delete`);
  const deleted = await until(() => find("deleted"), { what: "the deletion" });
  assert.equal(deleted.messageId, first.id);
});

Deno.test("what is said while a channel is read for the first time does not pass for all there is", async () => {
  const reading = new Map<string, PromiseWithResolvers<unknown>>();
  const began = (route: string) =>
    until(() => reading.get(route), { what: `the reading: ${route}` });
  let say = (_: ChannelChange) => {};
  const connection = {
    onOnline: () => () => {},
    api(route: string) {
      const asked = Promise.withResolvers<unknown>();
      reading.set(route, asked);
      return asked.promise;
    },
  };
  const channels = {
    connection,
    onChange(listener: typeof say) {
      say = listener;
      return () => {};
    },
  } as unknown as ChannelEventHandler;
  using model = new ChannelModel(channels, { channelId: "c" });
  const [one, two, three, four] = ["one", "two", "three", "four"].map((content, at) =>
    ({ id: content, content, parent_id: null, created_at: at }) as unknown as ChannelMessage
  );
  assert.ok(one && two && three && four);
  const hear = (message: ChannelMessage) =>
    say({ type: "message", channelId: "c", isOwn: false, message });

  const loaded = model.load();
  const details = await began("GET /api/v1/channels/{id}");
  hear(two);
  assert.equal(model.snapshot.posts, undefined, "one that was heard is not the channel");
  details.resolve({ id: "c" });
  const messages = await began("GET /api/v1/channels/{id}/messages/");
  hear({ ...three, temp_id: "said here" } as ChannelMessage);
  hear(four);
  assert.equal(model.snapshot.posts, undefined, "two that were heard are not the channel");
  messages.resolve([three, two, one]);
  assert.equal(await loaded, "whole");
  const named = { ...three, temp_id: "said here" };
  assert.deepEqual(model.snapshot.posts, [one, two, named, four], "with the name that was given");
  assert.equal(model.snapshot.hasMore, false);
});

Deno.test("a message that is heard after the server has counted it does not count twice", async () => {
  const details = (unread_count: number, last_position: number) =>
    ({ id: "c", unread_count, last_position }) as ListedChannel;
  let say = (_: ChannelChange) => {};
  const channels = {
    connection: {
      onOnline: () => () => {},
      api: Object.assign(() => Promise.resolve(details(5, 5)), {
        async *pages() {
          yield [details(1, 2)];
        },
      }),
    },
    onChange(listener: typeof say) {
      say = listener;
      return () => {};
    },
  } as unknown as ChannelEventHandler;
  using list = new ChannelList(channels);
  const hear = (position: number, parent_id: string | null = null) => {
    const message = { position, parent_id } as ChannelMessage;
    say({ type: "message", channelId: "c", isOwn: false, message });
    return list.snapshot.unread.get("c");
  };
  await list.reload();
  assert.deepEqual([hear(2), hear(3), hear(4, "a thread"), hear(4)], [1, 2, 2, 3]);
  say({ type: "deleted", channelId: "c", messageId: "m" });
  await until(() => list.snapshot.unread.get("c") === 5, { what: "the count anew" });
  assert.deepEqual([hear(5), hear(6)], [5, 6]);
});
