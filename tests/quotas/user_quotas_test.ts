import assert from "node:assert/strict";
import { ChatStore } from "../../lib/chats/chat_store.ts";
import { systemClock } from "../../lib/common/clock.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { GroupStore } from "../../lib/groups/group_store.ts";
import { NoteStore } from "../../lib/notes/note_store.ts";
import { ChannelStore } from "../../lib/channels/channel_store.ts";
import { DEFAULT_LIMITS, UserQuotas } from "../../lib/quotas/user_quotas.ts";
import { holdingsCounter } from "../../lib/commands/imported_holdings.ts";
import { importLines } from "../../lib/transfer/transfer.ts";
import { linesIn, numbered } from "../transfer/fixture.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";

const openStore = () => openKvStore({ path: ":memory:", keyPrefix: "test", logger: silentLogger });
const ADA = { id: "ada", role: "user" as const, name: "Ada" };
const NOTHING = {
  ...{ chats: 0, messages: 0, chat_bytes: 0, notes: 0, note_bytes: 0 },
  ...{ channels: 0, posts: 0, post_bytes: 0 },
};

function storesOf(store: StateStore, limits = {}) {
  const quotas = new UserQuotas(store, { ...DEFAULT_LIMITS, ...limits });
  const groups = new GroupStore(store);
  return {
    quotas,
    chats: new ChatStore(store, systemClock, quotas),
    notes: new NoteStore({ store, groups, quotas, findUser: () => Promise.resolve(ADA) }),
    channels: new ChannelStore({ store, groups, quotas }),
  };
}

const message = (id: string, content: string, parentId: string | null = null) => ({
  ...{ id, parentId, content },
  role: "user" as const,
  childrenIds: [],
});

const isOver = (name: string) => (thrown: Error & { code?: string }) =>
  thrown.code === "too_large" && thrown.message.startsWith(`${name}:`);

Deno.test("X7: what is deleted is counted back to the byte, whatever happened to it between", async () => {
  await using store = await openStore();
  const { quotas, chats, notes, channels } = storesOf(store);
  const chat = await chats.create("ada", {
    title: "one",
    history: { messages: { m1: message("m1", "hello") }, currentId: "m1" },
  });
  await chats.addMessage("ada", chat.id, message("m2", "x".repeat(1_000), "m1"));
  await chats.update("ada", chat.id, {
    history: { messages: { m1: message("m1", "y".repeat(5_000)), m3: message("m3", "z", "m1") } },
    models: ["a"],
  });
  await chats.answered("ada", chat.id, { text: "", bytes: 500 });
  const note = await notes.create(ADA, {
    title: "n",
    data: { content: { md: "words", html: null, json: null } },
  });
  await notes.update(ADA, note.id, { data: { content: { md: "w".repeat(9_000) } } });
  await notes.save(note.id, { md: "less" });
  const { channel } = await channels.create(ADA, { name: "c", type: "group" }, []);
  const { messages } = channels;
  const first = await messages.post(channel.id, "ada", { content: "first" });
  const reply = { parent_id: first.id };
  await messages.post(channel.id, "bob", { content: "x".repeat(300), ...reply });
  await messages.post(channel.id, "ada", { content: "again", ...reply });
  await messages.edit(channel.id, first.id, { content: "y".repeat(2_000), data: { a: 1 } });
  const kept = await messages.post(channel.id, "ada", { content: "goes with the channel" });
  await messages.pin(channel.id, kept.id, { userId: "ada", isPinned: true });
  const held = await quotas.held("ada");
  assert.deepEqual([held.chats, held.messages, held.notes, held.channels], [1, 3, 1, 1]);
  assert.ok(held.chat_bytes > 6_000 && held.chat_bytes < 12_000, `${held.chat_bytes}`);
  assert.ok(held.note_bytes < 200, `${held.note_bytes}`);
  assert.equal(held.posts, 3);
  assert.ok(held.post_bytes > 2_000 && held.post_bytes < 2_200, `${held.post_bytes}`);
  await messages.delete(await messages.get(channel.id, first.id));
  assert.equal((await quotas.held("ada")).posts, 1);
  assert.deepEqual(await quotas.held("bob"), NOTHING);
  await chats.delete("ada", chat.id);
  await notes.delete(ADA, note.id);
  await channels.clear(await channels.delete(ADA, channel.id));
  assert.deepEqual(await quotas.held("ada"), NOTHING);
});

Deno.test("X7, X11: a user who has as much as one may have is told which limit that is; others go on", async () => {
  await using store = await openStore();
  const limits = { chats: 3, messages: 4, chat_bytes: 20_000, notes: 2, note_bytes: 10_000 };
  const { quotas, chats, notes, channels } = storesOf(store, {
    ...limits,
    channels: 1,
    posts: 2,
    post_bytes: 5_000,
  });
  const attempts = await Promise.allSettled(
    Array.from({ length: 20 }, () => chats.create("ada", { title: "t" })),
  );
  const made = attempts.filter(({ status }) => status === "fulfilled");
  assert.equal(made.length, 3, "also of twenty at once");
  await assert.rejects(chats.create("ada", { title: "t" }), isOver("QUOTA_CHATS"));
  const { id } = await chats.create("bob", { title: "t" });
  for (let at = 0; at < 4; at++) await chats.addMessage("bob", id, message(`m${at}`, "x"));
  await assert.rejects(
    chats.addMessage("bob", id, message("m5", "x")),
    isOver("QUOTA_MESSAGES"),
  );
  await assert.rejects(
    chats.create("cy", { title: "x".repeat(30_000) }),
    isOver("QUOTA_CHAT_BYTES"),
  );
  const noteOf = (md: string) => ({ title: "n", data: { content: { md } } });
  await assert.rejects(notes.create(ADA, noteOf("x".repeat(20_000))), isOver("QUOTA_NOTE_BYTES"));
  for (let at = 0; at < 2; at++) await notes.create(ADA, noteOf("x"));
  await assert.rejects(notes.create(ADA, noteOf("x")), isOver("QUOTA_NOTES"));
  await channels.create(ADA, { name: "c", type: "group" }, []);
  await assert.rejects(
    channels.create(ADA, { name: "d", type: "group" }, []),
    isOver("QUOTA_CHANNELS"),
  );
  const { messages } = channels;
  await assert.rejects(
    messages.post("c", "dora", { content: "x".repeat(9_000) }),
    isOver("QUOTA_POST_BYTES"),
  );
  for (let at = 0; at < 2; at++) await messages.post("c", "dora", { content: "x" });
  await assert.rejects(messages.post("c", "dora", { content: "x" }), isOver("QUOTA_POSTS"));
  await messages.post("c", "bob", { content: "others go on" });
  assert.equal(quotas.refusals.QUOTA_NOTES, 1);
  const [mine] = (await chats.page("ada")).chats;
  await chats.delete("ada", mine?.id ?? "");
  await chats.create("ada", { title: "there is room again" });
});

Deno.test("X7: what an import brings counts, and ends it beyond a limit unless it is told to go on", async () => {
  await using from = await openStore();
  await from.sortedIndex(keys.users).put({ member: "ada", score: 1 });
  await from.values.set(keys.user("ada"), {
    ...{ ...ADA, email: "ada@example.com", profile_image_url: "/user.png" },
    ...{ last_active_at: 1, created_at: 1, updated_at: 1 },
  });
  const { quotas, chats, notes, channels } = storesOf(from);
  for (const title of ["one", "two", "three"]) {
    await chats.create("ada", { title, history: { messages: { m: message("m", "x") } } });
  }
  await notes.create(ADA, { title: "n", data: { content: { md: "words" } } });
  const { channel } = await channels.create(ADA, { name: "c", type: "group" }, []);
  await channels.messages.post(channel.id, "ada", { content: "posted" });
  const lines = await linesIn(from);
  const importWith = async (to: StateStore, limits: object, isLimited: boolean) => {
    const quotas = new UserQuotas(to, { ...DEFAULT_LIMITS, ...limits });
    const onAdded = holdingsCounter({ quotas, isLimited });
    await importLines(to, numbered(lines), { logger: silentLogger, onAdded });
    return await quotas.held("ada");
  };
  await using full = await openStore();
  await assert.rejects(importWith(full, { chats: 2 }, true), /ada.*QUOTA_CHATS.*--beyond-quotas/);
  // Again, with leave: what is there already does not count twice.
  assert.deepEqual(await importWith(full, { chats: 2 }, false), await quotas.held("ada"));
  await using roomy = await openStore();
  assert.deepEqual(await importWith(roomy, {}, true), await quotas.held("ada"));
});
