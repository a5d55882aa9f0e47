import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import { deletionSweepJob } from "../../lib/channels/deletion_sweep.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import type { Channel } from "../../lib/protocol/channel.ts";
import { keys } from "../../lib/state/key_space.ts";
import { type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { connectToChannels, makeGroup, post, refusal } from "./fixture.ts";

const GRACE_MS = 1_000;

/** What is left in the store of a channel. */
async function leftOf({ services: { store } }: App, channel: Channel, ids: string[]) {
  const left: string[] = [];
  const { id } = channel;
  if (await store.values.get(keys.channel(id))) left.push("record");
  for (const key of [keys.channelMessages(id), keys.channelReads(id), keys.channelMembers(id)]) {
    for await (const page of store.dictionary<unknown>(key).scan()) {
      if (page.length) left.push(key.join());
    }
  }
  const indexes = [
    keys.channelOrder(id),
    keys.channelPins(id),
    keys.channelMemberOrder(id),
    ...ids.map((message) => keys.channelThread(id, message)),
  ];
  for (const key of indexes) {
    if (await store.sortedIndex(key).count({ limit: 1 })) left.push(key.join());
  }
  return left;
}

async function fill(app: App, ada: Person, bob: Person) {
  const channel = await makeGroup(ada, [bob]);
  const first = await post(ada, channel.id, "first");
  await post(bob, channel.id, "reply", { parent_id: first.id });
  const at = `/api/v1/channels/${channel.id}/messages/${first.id}`;
  await bob.json("POST", `${at}/pin`, { is_pinned: true });
  assert.equal((await leftOf(app, channel, [first.id])).length, 8, "something to take away");
  return { channel, first };
}

function sweepAt({ services: { channels } }: App, nowMs: number) {
  const told: string[] = [];
  const job = deletionSweepJob({
    channels,
    accessChanged: (id) => Promise.resolve(void told.push(id)),
    logger: silentLogger,
    clock: { nowMs: () => nowMs },
    graceMs: GRACE_MS,
  });
  const { signal } = new AbortController();
  return { told, run: () => job.sweep({ signal, deadAmong: () => Promise.resolve(new Set()) }) };
}

const listed = async ({ services: { store } }: App, { id }: { id: string }) =>
  (await store.sortedIndex(keys.channelsOf("member", id)).page()).entries.length;

Deno.test("a deleted channel is left at once, and nothing that was said is kept", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const { channel, first } = await fill(app, ada, bob);
  await using tab = await connectToChannels(app.url, bob.token);
  const room = () => app.sockets.io.sockets.adapter.rooms.get(`channel:${channel.id}`);
  assert.equal(room()?.size, 1);
  // While it is being deleted, one who has been let in already says something.
  const late = app.services.channels.messages;
  assert.equal(
    await refusal(bob, "DELETE", `/api/v1/channels/${channel.id}/delete`),
    "403 forbidden",
  );
  assert.equal(await ada.json("DELETE", `/api/v1/channels/${channel.id}/delete`), true);
  assert.equal(room(), undefined);
  assert.ok(tab.socket.connected);
  assert.deepEqual(await leftOf(app, channel, [first.id]), []);
  assert.deepEqual([await listed(app, ada), await listed(app, bob)], [0, 0]);
  assert.equal(await refusal(ada, "GET", `/api/v1/channels/${channel.id}`), "404 not_found");

  await late.post(channel.id, bob.id, { content: "too late" });
  const tombstones = app.services.store.dictionary(keys.deletedChannels);
  const { at = NaN } = await tombstones.get(channel.id) ?? {};
  await sweepAt(app, at + GRACE_MS - 1).run();
  assert.notDeepEqual(await leftOf(app, channel, []), [], "not before its time");
  await sweepAt(app, at + GRACE_MS).run();
  assert.deepEqual(await leftOf(app, channel, []), []);
  assert.equal(await tombstones.get(channel.id), undefined);
});

Deno.test("a deletion that is cut short at any step is completed by the sweep", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const { store, channels } = app.services;
  const owner = { id: ada.id, role: "user" } as const;
  const cuts: ((channel: Channel) => Promise<unknown>)[] = [
    (channel) =>
      store.dictionary(keys.deletedChannels).set(channel.id, { channel, at: Date.now() }),
    (channel) => channels.delete(owner, channel.id),
    async (channel) => {
      await channels.delete(owner, channel.id);
      await channels.messages.clear(channel.id);
      await store.dictionary(keys.channelMembers(channel.id)).delete(ada.id);
    },
  ];
  for (const [step, cut] of cuts.entries()) {
    const { channel, first } = await fill(app, ada, bob);
    await cut(channel);
    const sweep = sweepAt(app, Date.now() + 2_000);
    await sweep.run();
    assert.deepEqual(await leftOf(app, channel, [first.id]), [], `cut at step ${step}`);
    assert.deepEqual([await listed(app, ada), await listed(app, bob)], [0, 0]);
    assert.deepEqual(sweep.told, [channel.id]);
  }
});

Deno.test("a model that answers in a channel stops when the channel is deleted", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const channel = await makeGroup(ada, []);
  await using listener = await connectToChannels(app.url, ada.token);
  await post(ada, channel.id, `<@M:echo|Echo> ${"word ".repeat(2_000)}`);
  await until(() => listener.of("message:update").length > 0);
  await ada.json("DELETE", `/api/v1/channels/${channel.id}/delete`);
  const running = app.services.store.dictionary(keys.channelAnswers);
  await until(async () => {
    for await (const page of running.scan()) if (page.length > 0) return false;
    return true;
  }, { what: "the answer's end" });
  // The task ends a moment after the answer that it wrote.
  await until(async () => (await ada.json<{ tasks: [] }>("GET", "/api/tasks")).tasks.length === 0, {
    what: "the task's end",
  });
  assert.deepEqual(await leftOf(app, channel, []), []);
});
