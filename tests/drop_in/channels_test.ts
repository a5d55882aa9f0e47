import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { endPostgres, onEngines, type Tab, type World } from "./fixture.ts";

Deno.test.afterAll(endPostgres);

const addChannel = (on: World, id: string, more: Record<string, unknown> = {}) =>
  on.fixture.insert("channel", { id, user_id: "ada", type: "group", ...more });
const addMember = (on: World, channel_id: string, user_id: string) =>
  on.fixture.insert("channel_member", {
    ...{ id: crypto.randomUUID(), channel_id, user_id, is_active: true },
  });
const isIn = (on: World, tab: Tab, channelId: string) =>
  on.apps.some(({ sockets }) =>
    sockets.io.sockets.adapter.rooms.get(`channel:${channelId}`)?.has(tab.socket.id ?? "")
  );
const post = (on: World, channelId: string, content: string) =>
  on.emit(`channel:${channelId}`, "events:channel", {
    channel_id: channelId,
    data: { type: "message", data: { content } },
  });
const contents = (tab: Tab) =>
  tab.of<{ data: { type: string; data: { content: string } } }>("events:channel")
    .filter(({ data }) => data.type === "message").map(({ data }) => data.data.content);

onEngines(
  "messages and typing reach a channel's members, on any instance, and nobody else",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    await addChannel(on, "c");
    for (const id of ["ada", "bob"]) await addMember(on, "c", id);
    const [ada, bob, eve] = [
      await on.tab(0, "ada"),
      await on.tab(1, "bob"),
      await on.tab(1, "eve"),
    ];
    await post(on, "c", "hello");
    for (const tab of [ada, bob]) {
      await until(() => contents(tab).length === 1, {
        what: "the message",
      });
    }
    const typing = {
      channel_id: "c",
      message_id: null,
      data: { type: "typing", data: { typing: true } },
    };
    await ada.ask("events:channel", typing);
    assert.deepEqual(await eve.ask("events:channel", typing), []);
    await until(() => bob.of("events:channel").length === 2, { what: "the typing" });
    assert.deepEqual(bob.of("events:channel")[1], {
      ...typing,
      user: { id: "ada", name: "ada", role: "user" },
    });
    assert.deepEqual(eve.heard.filter(([name]) => name === "events:channel"), []);
    await bob.ask("events:channel", { channel_id: "c", data: { type: "last_read_at" } });
    const rows = await on.fixture.database.query(
      "SELECT user_id, CAST(last_read_at AS TEXT) AS at FROM channel_member ORDER BY user_id",
    );
    const [, read] = rows.map(({ at }) => at);
    assert.equal(rows[0]?.["at"], null);
    assert.equal(String(read).length, 19, "nanoseconds");
  },
  { engines: ["sqlite", "postgres"] },
);

onEngines("a direct channel's first message arrives, though Python let nobody in", async (on) => {
  for (const id of ["ada", "bob"]) await on.addUser(id);
  const [ada, bob] = [await on.tab(0, "ada"), await on.tab(1, "bob")];
  await addChannel(on, "dm", { type: "dm" });
  await addMember(on, "dm", "ada");
  for (const id of ["ada", "bob"]) {
    await on.emit(`user:${id}`, "events:channel", { data: { type: "channel:created" } });
  }
  await until(() => isIn(on, ada, "dm"), { what: "ada to be in" });
  // Python makes the other one active only after it has told of the channel.
  await addMember(on, "dm", "bob");
  await until(() => isIn(on, bob, "dm"), { what: "bob to be in" });
  await post(on, "dm", "first");
  for (const tab of [ada, bob]) {
    await until(() => contents(tab).length === 1, { what: "the message" });
  }
});

onEngines(
  "who is removed hears no more at once; whose group loses a grant, at the next look",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    await addChannel(on, "c");
    await addMember(on, "c", "bob");
    await addChannel(on, "g", { type: null });
    await on.fixture.insert("group", { id: "team", user_id: "ada", name: "team" });
    await on.fixture.insert("group_member", { id: "m", group_id: "team", user_id: "eve" });
    await on.fixture.insert("access_grant", {
      ...{ id: "a", resource_type: "channel", resource_id: "g", permission: "read" },
      ...{ principal_type: "group", principal_id: "team", created_at: 1 },
    });
    const [bob, eve] = [await on.tab(0, "bob"), await on.tab(1, "eve")];
    assert.deepEqual([isIn(on, bob, "c"), isIn(on, eve, "g")], [true, true]);
    await on.control("leave_room", { sid: bob.socket.id, room: "channel:c" });
    await until(() => !isIn(on, bob, "c"), { what: "bob to be out" });
    await on.fixture.database.query("DELETE FROM group_member");
    await on.apps[1]?.sockets.rooms.channels.allChanged();
    assert.equal(isIn(on, eve, "g"), false);
    await on.fixture.insert("group_member", { id: "n", group_id: "team", user_id: "eve" });
    await on.apps[1]?.sockets.rooms.channels.allChanged();
    assert.equal(isIn(on, eve, "g"), true, "and in again");
    await on.control("close_room", { room: "channel:g" });
    await until(() => !isIn(on, eve, "g"), { what: "the channel's end" });
  },
);

onEngines(
  "channels need the permission, which settings and groups give, and admins have",
  async (on) => {
    for (const [id, role] of [["boss", "admin"], ["bob", "user"], ["eve", "user"]] as const) {
      await on.addUser(id, { role });
    }
    await addChannel(on, "c", { user_id: "x" });
    for (const id of ["boss", "bob", "eve"]) await addMember(on, "c", id);
    await on.fixture.insert("config", {
      key: "user.permissions",
      value: { features: { channels: false } },
    });
    await on.fixture.insert("group", { id: "g", permissions: { features: { channels: true } } });
    await on.fixture.insert("group_member", { id: "m", group_id: "g", user_id: "eve" });
    const tabs = [await on.tab(0, "boss"), await on.tab(0, "bob"), await on.tab(1, "eve")];
    assert.deepEqual(tabs.map((tab) => isIn(on, tab, "c")), [true, false, true]);
  },
);

onEngines(
  "what Python never announces is found by the next round: stamps, members, chats and notes",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    await addChannel(on, "c");
    await addMember(on, "c", "bob");
    await on.fixture.insert("note", { id: "n", user_id: "ada", title: "n", updated_at: 1 });
    await on.fixture.insert("chat", { id: "chat", user_id: "ada", archived: false, updated_at: 1 });
    await on.fixture.insert("shared_chat", {
      ...{ id: "s", chat_id: "chat", chat: { share_mode: "continue" }, updated_at: 1 },
    });
    for (const [resource_type, resource_id] of [["note", "n"], ["shared_chat", "chat"]] as const) {
      await on.fixture.insert("access_grant", {
        ...{ id: resource_id, resource_type, resource_id, permission: "read", created_at: 1 },
        ...{ principal_type: "user", principal_id: "bob" },
      });
    }
    const bob = await on.tab(0, "bob");
    const eve = await on.tab(0, "eve", { reconnection: false });
    await bob.ask("join-note", { note_id: "n", auth: {} });
    await bob.ask("events:chat", { chat_id: "chat", data: { type: "join" } });
    const rooms = on.apps[0]?.sockets.io.sockets.adapter.rooms;
    const roomsOfBob = () =>
      ["channel:c", "note:n", "chat:chat"].filter((room) =>
        rooms?.get(room)?.has(bob.socket.id ?? "")
      );
    await on.fixture.database.query("DELETE FROM channel_member");
    await addMember(on, "c", "eve");
    assert.deepEqual(roomsOfBob(), ["channel:c", "note:n", "chat:chat"]);
    await on.fixture.database.query("DELETE FROM access_grant");
    await on.fixture.database.query("UPDATE auth SET session_stamp = 'new' WHERE id = 'eve'");
    // A gap of Redis makes the next round begin at once; what it does is what every round does.
    await on.redis.cutPubSub();
    await until(() => roomsOfBob().length === 0, { what: "bob to be out of all" });
    await until(() => !eve.socket.connected, { what: "eve's end" });
    assert.equal(bob.socket.connected, true);
  },
  { instances: 1 },
);

onEngines(
  "many who come at once, and all who are looked after, cost a few queries together",
  async (on) => {
    const ids = Array.from({ length: 60 }, (_, n) => `u${n}`);
    for (const id of ids) await on.addUser(id);
    await addChannel(on, "c");
    for (const id of ids) await addMember(on, "c", id);
    const tabs = await Promise.all(ids.map((id) => on.tab(0, id)));
    assert.ok(tabs.every((tab) => isIn(on, tab, "c")));
    const app = on.apps[0];
    assert.ok(app);
    const before = app.queries();
    await Promise.all([app.sockets.connections.recheck(), app.sockets.rooms.channels.allChanged()]);
    // The settings may be read anew beside what is asked of the users and of the channels.
    assert.ok(app.queries() - before <= 6, `${app.queries() - before} queries`);
  },
  { instances: 1 },
);
