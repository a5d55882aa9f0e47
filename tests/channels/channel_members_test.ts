import assert from "node:assert/strict";
import { ChannelMembers } from "../../lib/channels/channel_members.ts";
import { FaultyStore } from "../support/faulty_store.ts";

Deno.test("who is let out while they are let in again is new, and listed", async () => {
  await using faulty = await FaultyStore.open();
  const members = new ChannelMembers(faulty.store);
  const add = () => members.add("c", ["bob"], { by: "ada", now: 1 });
  assert.deepEqual(await add(), ["bob"]);
  assert.deepEqual(await add(), []);
  const getMany = members.getMany.bind(members);
  members.getMany = async (...asked) => {
    const present = await getMany(...asked);
    members.getMany = getMany;
    await members.remove("c", ["bob"]);
    return present;
  };
  assert.deepEqual(await add(), ["bob"]);
  const { members: listed } = await members.page("c", { limit: 10 });
  assert.deepEqual(listed.map(({ user_id }) => user_id), ["bob"]);
});
