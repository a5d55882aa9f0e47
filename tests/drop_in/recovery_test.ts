import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { until } from "../support/until.ts";
import { endPostgres, onEngines, type Tab, type World } from "./fixture.ts";

Deno.test.afterAll(endPostgres);

const numbers = (tab: Tab) =>
  tab.of<{ data: { type: string; data: number } }>("events")
    .filter(({ data }) => data.type === "response:completion").map(({ data }) => data.data);
const reloads = (tab: Tab) =>
  tab.of<{ chat_id: string; data: { type: string } }>("events")
    .filter(({ data }) => data.type === "chat:reload").map(({ chat_id }) => chat_id);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

/** Python streams to the user: numbers that rise. */
function streamTo(on: World, userId: string) {
  let n = 0;
  return async (count: number) => {
    for (let i = 0; i < count; i++) {
      const data = { type: "response:completion", data: ++n };
      await on.emit(`user:${userId}`, "events", { chat_id: "c", message_id: "m", data });
    }
  };
}

const tabOf = (on: World, at: number, userId: string) =>
  on.tab(at, userId, { reconnection: false });

/** The network of the tab goes away: neither side says goodbye. */
async function lose(on: World, tab: Tab, at = 0) {
  const sid = tab.socket.id ?? "";
  tab.socket.io.engine.close();
  await until(() => !tab.socket.connected, { what: "the loss" });
  await until(() => !on.apps[at]?.sockets.io.sockets.sockets.has(sid), {
    what: "the server to notice",
  });
  return sid;
}

/** The client's own way back, as after a loss; to another instance where the balancer leads there. */
async function comeBack(on: World, tab: Tab, at = 0) {
  (tab.socket.io as unknown as { uri: string }).uri = on.apps[at]?.url ?? "";
  tab.socket.connect();
  await until(() => tab.socket.connected, { what: "the tab to be back" });
  await tab.join();
}

const addChat = (on: World, id: string) =>
  on.fixture.insert("chat", { id, user_id: "ada", archived: false, updated_at: 100, meta: {} });

onEngines(
  "a tab that loses its network misses nothing: on the same instance, under the same id",
  async (on) => {
    await on.addUser("ada");
    await addChat(on, "c");
    const stream = streamTo(on, "ada");
    const tab = await tabOf(on, 0, "ada");
    await tab.ask("events:chat", { chat_id: "c", data: { type: "join" } });
    await stream(5);
    await until(() => numbers(tab).length === 5, { what: "the beginning" });
    const sid = await lose(on, tab);
    await until(async () => (await on.pool()).size === 0, { what: "the session to go" });
    await stream(10);
    await comeBack(on, tab);
    await stream(5);
    await until(() => numbers(tab).length >= 20, { what: "all of it" });
    assert.deepEqual(numbers(tab), upTo(20));
    assert.equal(tab.socket.id, sid, "Python goes on to find it by its id");
    assert.deepEqual(reloads(tab), []);
    assert.deepEqual((await on.pool()).get(sid)?.["chat_ids"], ["c"]);
  },
);

onEngines(
  "on another instance, in the middle of a stream, nothing is missed and nothing comes twice",
  async (on) => {
    await on.addUser("ada");
    const stream = streamTo(on, "ada");
    const tab = await tabOf(on, 0, "ada");
    await stream(5);
    await until(() => numbers(tab).length === 5, { what: "the beginning" });
    const sid = await lose(on, tab);
    await stream(5);
    let isBack = false;
    const streaming = (async () => {
      while (!isBack) await stream(1);
      await stream(5);
    })();
    await comeBack(on, tab, 1);
    isBack = true;
    await streaming;
    await stream(1);
    const all = () => numbers(tab);
    await until(() => all().length > 15 && all().at(-1) === Math.max(...all()), {
      what: "the rest",
    });
    await until(() => all().length === all().at(-1), { what: "each once" });
    assert.deepEqual(all(), upTo(all().length));
    assert.equal(tab.socket.id, sid);
    assert.deepEqual([...(await on.pool()).keys()], [sid]);
    // And back again, from there.
    await lose(on, tab, 1);
    const before = all().length;
    await stream(3);
    await comeBack(on, tab, 0);
    await until(() => all().length === before + 3, { what: "what was missed then" });
    assert.deepEqual(all(), upTo(before + 3));
  },
);

onEngines(
  "a tab that is back before the server notices its loss takes over its own session",
  async (on) => {
    await on.addUser("ada");
    const stream = streamTo(on, "ada");
    const tab = await tabOf(on, 0, "ada");
    await stream(3);
    await until(() => numbers(tab).length === 3, { what: "the beginning" });
    const { _pid: pid, _lastOffset: offset } = tab.socket as unknown as {
      _pid: string;
      _lastOffset: string;
    };
    const sid = tab.socket.id;
    // What the server sends now goes into a connection that leads nowhere.
    await stream(4);
    const token = await on.token("ada");
    const again = await on.tab(1, undefined, { auth: { token, pid, offset }, reconnection: false });
    assert.equal(again.socket.id, sid);
    await until(() => numbers(again).length === 4, { what: "what came meanwhile" });
    assert.deepEqual(numbers(again), [4, 5, 6, 7]);
  },
);

onEngines("who comes back is asked for the token again, and for the rooms", async (on) => {
  for (const id of ["ada", "bob"]) await on.addUser(id);
  await on.fixture.insert("channel", { id: "ch", user_id: "ada", type: "group" });
  await on.fixture.insert("channel_member", {
    id: "m",
    channel_id: "ch",
    user_id: "ada",
    is_active: true,
  });
  const post = (content: string) =>
    on.emit("channel:ch", "events:channel", {
      channel_id: "ch",
      data: { type: "message", data: content },
    });
  const tab = await tabOf(on, 0, "ada");
  await post("before");
  await until(() => tab.of("events:channel").length === 1, { what: "the message" });
  const { _pid: pid, _lastOffset: offset } = tab.socket as unknown as {
    _pid: string;
    _lastOffset: string;
  };
  await lose(on, tab);
  await post("meanwhile");
  // Somebody else with the same session's name gets nothing of it.
  const token = await on.token("bob");
  const thief = io(on.apps[0]?.url ?? "", {
    ...{ path: "/ws/socket.io", transports: ["websocket"], forceNew: true, reconnection: false },
    auth: { token, pid, offset },
  });
  await until(() => thief.io.engine?.readyState === "closed", { what: "the refusal" });
  assert.equal(thief.connected, false);
  assert.equal((await on.pool()).size, 0);
  await on.fixture.database.query("DELETE FROM channel_member");
  await comeBack(on, tab);
  await on.emit("user:ada", "events", { chat_id: "c", data: { type: "chat:title" } });
  await until(() => tab.of("events").length === 1, { what: "what is still theirs" });
  assert.equal(tab.of("events:channel").length, 1);
});

onEngines(
  "where nothing can be given back, the chats that are looked at are read anew",
  async (on) => {
    await on.addUser("ada");
    await addChat(on, "c");
    const tab = await tabOf(on, 1, "ada");
    const look = () => tab.ask("events:chat", { chat_id: "c", data: { type: "join" } });
    await look();
    assert.deepEqual(reloads(tab), []);
    // More than a session is sent.
    await lose(on, tab, 1);
    const large = "x".repeat(1024 * 1024);
    for (let n = 0; n < 6; n++) {
      await on.emit("user:ada", "events", { chat_id: "c", data: { type: "replace", data: large } });
    }
    await comeBack(on, tab, 1);
    await look();
    await until(() => reloads(tab).length === 1, { what: "the word to reload" });
    // The instance that knew it is gone.
    await lose(on, tab, 1);
    await on.apps[1]?.stop();
    await comeBack(on, tab, 0);
    await look();
    await until(() => reloads(tab).length === 2, { what: "the word to reload" });
    // A gap of Redis while it was away.
    await lose(on, tab, 0);
    await on.redis.cutPubSub();
    await until(() => on.apps[0]?.away() === 0, { what: "nothing to be kept", limitMs: 60_000 });
    await comeBack(on, tab, 0);
    await look();
    await until(() => reloads(tab).length === 3, { what: "the word to reload" });
  },
);
