import assert from "node:assert/strict";
import { OnlinePeople } from "../../lib/client/online_people.ts";
import { Viewers } from "../../lib/client/viewers.ts";
import type { Channel } from "../../lib/protocol/channel.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import { libraryClient } from "../client/fixture.ts";
import { inModes } from "../support/instances.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const names = ({ snapshot: { users } }: Viewers) => users.map(({ name }) => name).sort();

inModes(
  ["redis", "kv"],
  "who looks at a channel and at a chat, and who is online, is seen at every instance",
  async ({ a, b }) => {
    const ada = await signUp(a.url, "Ada");
    const bob = await signUp(a.url, "Bob");
    const channel = await ada.json<Channel>("POST", "/api/v1/channels/create", {
      ...{ name: "team", type: "group", user_ids: [bob.id] },
    });
    const { id: chatId } = await ada.json<Chat>("POST", "/api/v1/chats/new", { chat: {} });
    const place = { channelId: channel.id };
    await using here = await libraryClient({ url: a.url, token: ada.token });
    const people = OnlinePeople.of(here.connection);
    const end = people.watch([ada.id, bob.id]);
    await until(() => people.snapshot.has(ada.id), { what: "oneself online" });
    assert.ok(!people.snapshot.has(bob.id));

    using adas = new Viewers(here.connection, place);
    await until(() => names(adas).join() === "Ada", { what: "oneself in the channel" });
    {
      await using there = await libraryClient({ url: b.url, token: bob.token });
      await until(() => people.snapshot.has(bob.id), { what: "Bob online" });
      {
        using bobs = new Viewers(there.connection, place);
        await until(() => names(adas).join() === "Ada,Bob", { what: "Bob in the channel" });
        await until(() => names(bobs).join() === "Ada,Bob", { what: "both, where Bob is" });
        assert.equal(adas.snapshot.total, 2);
      }
      await until(() => names(adas).join() === "Ada", { what: "Bob to leave the channel" });

      // Who may not enter any more looks no longer, and hears nothing.
      using bobs = new Viewers(there.connection, place);
      await until(() => names(adas).join() === "Ada,Bob", { what: "Bob back in the channel" });
      const path = `/api/v1/channels/${channel.id}/update/members/remove`;
      await ada.json("POST", path, { user_ids: [bob.id] });
      await until(() => names(adas).join() === "Ada", { what: "Bob to be out" });
      const said = { channel_id: channel.id, data: { type: "join" as const } };
      await assert.rejects(there.connection.ask("events:channel", said), { code: "forbidden" });
      assert.ok(bobs.snapshot.total > 0, "what was seen before");

      // Nobody sees who looks at another's chat.
      using nobody = new Viewers(there.connection, { chatId });
      using own = new Viewers(here.connection, { chatId });
      await until(() => own.snapshot.total === 1, { what: "oneself at the chat" });
      assert.equal(nobody.snapshot.total, 0);
    }
    await until(() => !people.snapshot.has(bob.id), { what: "Bob offline" });

    // The same person with two sessions is one person.
    using own = new Viewers(here.connection, { chatId });
    await using also = await libraryClient({ url: b.url, token: ada.token });
    using _again = new Viewers(also.connection, { chatId });
    await until(() => own.snapshot.users[0]?.sessions === 2, { what: "two sessions" });
    assert.equal(own.snapshot.total, 1);
    end();
  },
);

Deno.test("of too many people at once nobody is watched, and the session stays", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const user_ids = Array.from({ length: 257 }, (_, at) => `user-${at}`);
  const answer = await client.socket.emitWithAck("users:watch", { user_ids });
  assert.equal(answer.error.code, "invalid_payload");
  assert.deepEqual(await client.socket.emitWithAck("users:watch", { user_ids: [ada.id] }), {
    online: [ada.id],
  });
  assert.deepEqual(await client.socket.emitWithAck("users:watch", { user_ids: [] }), {
    online: [],
  });
});
