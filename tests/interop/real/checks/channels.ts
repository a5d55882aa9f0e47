import assert from "node:assert/strict";
import { until } from "../../../support/until.ts";
import type { Person } from "../person.ts";
import type { World } from "../world.ts";
import type { Check } from "./check.ts";

async function group(world: World, members: Person[]): Promise<string> {
  const { id } = await world.admin.api<{ id: string }>("POST", "/api/v1/channels/create", {
    ...{ name: `group-${crypto.randomUUID().slice(0, 8)}`, type: "group" },
    user_ids: members.map(({ id }) => id),
  });
  return id;
}

const post = (person: Person, channelId: string, content: string) =>
  person.api("POST", `/api/v1/channels/${channelId}/messages/post`, { content, data: {} });

export const channelChecks: Check[] = [
  {
    name: "a new group is told to its members, and its first message arrives",
    isBeyond: true,
    async run(world) {
      const bob = await world.person("Bob");
      using tab = await bob.tab();
      const id = await group(world, [bob]);
      await until(() => tab.of("events:channel", "channel:created").length > 0, {
        what: "channel:created",
      });
      await post(world.admin, id, "the first message");
      await until(() => tab.of("events:channel", "message").length > 0, { what: "the message" });
      return "channel:created, message";
    },
  },
  {
    name: "messages and typing reach the members, typing with the sender's name alone",
    async run(world) {
      const bob = await world.person("Bob");
      const id = await group(world, [bob]);
      using tab = await bob.tab();
      using admins = await world.admin.tab();
      await post(world.admin, id, "hello");
      await until(() => tab.of("events:channel", "message").length > 0, { what: "the message" });
      admins.socket.emit("events:channel", {
        ...{ channel_id: id, message_id: null, data: { type: "typing", data: { typing: true } } },
      });
      const [typing] = await until(() => {
        const events = tab.of("events:channel", "typing");
        return events.length > 0 ? events : undefined;
      }, { what: "typing" });
      assert.deepEqual(Object.keys(typing?.data.user).sort(), ["id", "name", "role"]);
      tab.socket.emit("events:channel", { channel_id: id, data: { type: "last_read_at" } });
      return "message, typing";
    },
  },
  {
    name: "who is removed from a channel hears nothing more; who stays does",
    async run(world) {
      const [bob, eve] = [await world.person("Bob"), await world.person("Eve")];
      const id = await group(world, [bob, eve]);
      using his = await bob.tab();
      using hers = await eve.tab();
      await post(world.admin, id, "to both");
      await until(
        () => [his, hers].every((tab) => tab.of("events:channel", "message").length === 1),
        { what: "the message to both" },
      );
      await world.admin.api("POST", `/api/v1/channels/${id}/update/members/remove`, {
        user_ids: [bob.id],
      });
      await until(async () => {
        await post(world.admin, id, "to one");
        return hers.of("events:channel", "message").length >= 3;
      }, { what: "more messages", everyMs: 200 });
      assert.equal(his.of("events:channel", "message").length, 1);
      return `${hers.of("events:channel", "message").length} against 1`;
    },
  },
  {
    name: "a channel that is deleted is silent for everybody",
    async run(world) {
      const bob = await world.person("Bob");
      const id = await group(world, [bob]);
      using tab = await bob.tab();
      using other = await bob.tab();
      await world.admin.api("DELETE", `/api/v1/channels/${id}/delete`);
      tab.socket.emit("events:channel", { channel_id: id, data: { type: "typing" } });
      const next = await group(world, [bob]);
      await until(() => tab.of("events:channel", "channel:created").length > 0, {
        what: "another channel",
      });
      assert.deepEqual(other.of("events:channel", "typing"), []);
      return `silent; the next is ${next.slice(0, 8)}`;
    },
  },
];
