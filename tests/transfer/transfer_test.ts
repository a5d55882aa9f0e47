import assert from "node:assert/strict";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { Channel, ChannelMessage } from "../../lib/protocol/channel.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import type { Group } from "../../lib/protocol/group.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { SCHEMA_VERSION } from "../../lib/state/schema.ts";
import type { Line } from "../../lib/transfer/lines.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { type Person, personAt, signUp, startServer } from "../support/server.ts";
import { importInto, linesIn, numbered, openMemory, sorted } from "./fixture.ts";
import { importLines, linesOf } from "../../lib/transfer/transfer.ts";

const PASSWORD = "correct horse battery";
const GRANTS = ["read", "write"].map((permission) => ({
  ...{ principal_type: "user", principal_id: "*", permission },
}));

/** Makes something of everything through the API; says what to look for afterwards. */
async function live(url: string) {
  const ada = await signUp(url, "Ada");
  const bob = await signUp(url, "Bob");
  const question = { id: "q", role: "user", content: "why? 🤔\u2028", childrenIds: ["a"] };
  const answer = { id: "a", parentId: "q", role: "assistant", content: "because", childrenIds: [] };
  const chat = await ada.json<Chat>("POST", "/api/v1/chats/new", {
    chat: {
      title: "Questions",
      history: { currentId: "a", messages: { q: question, a: { ...answer, done: true } } },
    },
  });
  const long = "long ".repeat(60_000);
  const note = await ada.json<Note>("POST", "/api/v1/notes/create", {
    title: "Plan",
    data: { content: { md: long, html: `<p>${long}</p>`, json: null } },
    access_grants: GRANTS,
  });
  const group = await ada.json<Group>("POST", "/api/v1/groups/create", {
    name: "Team",
    description: "us",
  });
  await ada.json("POST", `/api/v1/groups/id/${group.id}/users/add`, { user_ids: [bob.id] });
  const channel = await ada.json<Channel>("POST", "/api/v1/channels/create", {
    name: "general",
    access_grants: GRANTS,
  });
  const closed = await bob.json<Channel>("POST", "/api/v1/channels/create", {
    ...{ name: "closed", type: "group", user_ids: [ada.id] },
  });
  const post = (content: string, more = {}) =>
    bob.json<ChannelMessage>("POST", `/api/v1/channels/${channel.id}/messages/post`, {
      ...{ content, ...more },
    });
  const first = await post("first");
  await post("second");
  await post("reply", { parent_id: first.id });
  const at = `/api/v1/channels/${channel.id}/messages/${first.id}`;
  await ada.json("POST", `${at}/reactions/add`, { name: "+1" });
  await ada.json("POST", `${at}/pin`, { is_pinned: true });
  return { ada, bob, chat, note, group, channel, closed, first };
}

/** All that the two see, through the API. */
async function seen(url: string, was: Awaited<ReturnType<typeof live>>) {
  const [ada, bob] = [personAt(url, was.ada), personAt(url, was.bob)];
  const get = (person: Person, path: string) => person.json<unknown>("GET", path);
  const messages = `/api/v1/channels/${was.channel.id}/messages`;
  return {
    chats: await get(ada, "/api/v1/chats/"),
    chat: await get(ada, `/api/v1/chats/${was.chat.id}`),
    notes: await get(bob, "/api/v1/notes/"),
    note: await get(bob, `/api/v1/notes/${was.note.id}`),
    groups: await get(ada, "/api/v1/groups/"),
    channels: [await get(ada, "/api/v1/channels/"), await get(bob, "/api/v1/channels/")],
    closed: await get(ada, `/api/v1/channels/${was.closed.id}/members`),
    messages: await get(bob, messages),
    thread: await get(bob, `${messages}/${was.first.id}/thread`),
    pinned: await get(bob, `${messages}/pinned`),
    users: await get(ada, "/api/v1/users/"),
  };
}

/** Without what a look itself changes, and what a server's process has signed. */
const still = (what: unknown) =>
  JSON.parse(
    JSON.stringify(what, (key, value) => /^(last_active_at|seen)$/.test(key) ? undefined : value),
  );

Deno.test("O15: from KV to Redis and back, every record and all that people see are the same", async (t) => {
  if (!redisAvailable()) {
    return void await t.step({ name: "needs redis-server", ignore: true, fn() {} });
  }
  await using redisServer = await RedisServer.start();
  let before: unknown;
  let was: Awaited<ReturnType<typeof live>>;
  let lines: Line[];
  {
    await using app = await startServer();
    was = await live(app.url);
    before = still(await seen(app.url, was));
    lines = await linesIn(app.services.store);
  }
  const types = new Set(lines.map(({ type }) => type));
  assert.deepEqual([...types].sort(), [
    ...["channel", "channel_member", "channel_message", "channel_pin", "channel_read", "chat"],
    ...["chat_message", "end", "group", "group_member", "header", "note", "user"],
  ]);
  const env = { WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: redisServer.url };
  {
    await using redis = await openRedisStore({ url: redisServer.url, logger });
    const counts = await importInto(redis, lines);
    assert.deepEqual(counts, { added: lines.length - 2, present: 0 });
    assert.deepEqual(sorted(await linesIn(redis)), sorted(lines));
    // Done again, it changes nothing.
    assert.deepEqual(await importInto(redis, lines), { added: 0, present: lines.length - 2 });
    await using kv = await openMemory();
    await importInto(kv, await linesIn(redis));
    assert.deepEqual(sorted(await linesIn(kv)), sorted(lines));
  }
  await using app = await startServer(env);
  assert.deepEqual(still(await seen(app.url, was)), before);
  const { email } = await personAt(app.url, was.bob).json<{ email: string }>(
    "GET",
    "/api/v1/auths/",
  );
  const signedIn = await fetch(`${app.url}/api/v1/auths/signin`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  assert.equal(signedIn.status, 200, await signedIn.text());
});

Deno.test("O15: an import that was cut short goes on where it was", async () => {
  await using from = await startServer();
  await live(from.url);
  const lines = await linesIn(from.services.store);
  await using store = await openMemory();
  const half = lines.slice(0, lines.length / 2);
  await assert.rejects(importInto(store, half), /ends before its end/);
  const { added, present } = await importInto(store, lines);
  assert.equal(present, half.length - 1);
  assert.equal(added + present, lines.length - 2);
  assert.deepEqual(sorted(await linesIn(store)), sorted(lines));
});

const user = (id: string, email: string): Line => ({
  type: "user",
  record: {
    ...{ id, email, name: id, role: "user", profile_image_url: "/user.png" },
    ...{ last_active_at: 1, created_at: 1, updated_at: 1 },
  },
});
const header = (schema = SCHEMA_VERSION): Line => ({
  type: "header",
  record: { project: "webui-realtime", schema, written_by: "9.9.9" },
});
const end: Line = { type: "end", record: {} };

Deno.test("O15: what is here already is not replaced, and an address has one owner", async () => {
  await using store = await openMemory();
  await importInto(store, [header(), user("a", "ada@example.com"), end]);
  await store.values.update(keys.user("a"), (now) => now && { ...now, name: "Ada" });
  await importInto(store, [header(), user("a", "ada@example.com"), end]);
  assert.equal((await store.values.get(keys.user("a")))?.name, "Ada");
  await assert.rejects(
    importInto(store, [header(), user("b", "ada@example.com"), end]),
    /line 2: the user ada@example\.com is here already under another id/,
  );
  assert.equal(await store.values.get(keys.user("b")), undefined);
  // Two in one file.
  const two = [header(), user("c", "c@example.com"), user("d", "c@example.com"), end];
  await assert.rejects(importInto(store, two), /line 3: the user c@example\.com/);
});

Deno.test("O15: an older export is brought into today's form, a newer one is refused", async () => {
  await using store = await openMemory();
  const chat: Line = {
    type: "chat",
    record: { id: "c", user_id: "a", title: "t", chat: {}, created_at: 1, updated_at: 1 },
  };
  const empty = { id: "m", parentId: null, childrenIds: [], content: "hi", role: "user" as const };
  const message: Line = { type: "chat_message", record: { chat_id: "c", message: empty } };
  await importInto(store, [header(1), user("a", "a@example.com"), chat, message, end]);
  const found = await store.values.get<{ size?: number }>([...keys.chat("c")]);
  assert.equal(found?.size, 1);
  await assert.rejects(
    importInto(store, [header(SCHEMA_VERSION + 1), user("b", "b@example.com"), end]),
    /the export is of a newer version/,
  );
  assert.equal(await store.values.get(keys.user("b")), undefined);
});

Deno.test("O15: a line that is none is named, and what it holds is not told", async () => {
  const bad = [
    ["not json", /^line 2: is no record/],
    ['{"type":"user","version":9,"record":{}}', /^line 2: is of version 9/],
    ['{"type":"spaceship","version":1,"record":{}}', /^line 2: is of an unknown type: spaceship/],
    [
      '{"type":"user","version":1,"record":{"id":"x","password_hash":"hush"}}',
      /^line 2: is no user/,
    ],
  ] as const;
  for (const [text, said] of bad) {
    await using store = await openMemory();
    const first = JSON.stringify({ ...header(), version: 1 });
    const bytes = ReadableStream.from([new TextEncoder().encode(`${first}\n${text}\n`)]);
    await assert.rejects(importLines(store, linesOf(bytes), { logger }), (thrown: Error) => {
      assert.match(thrown.message, said);
      assert.ok(!thrown.message.includes("hush"));
      return true;
    });
  }
  await using store = await openMemory();
  await assert.rejects(
    importLines(store, numbered([user("a", "a@example.com")]), { logger }),
    /line 1: is no header/,
  );
});
