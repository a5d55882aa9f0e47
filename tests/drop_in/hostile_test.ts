import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { until } from "../support/until.ts";
import { onEngines } from "./fixture.ts";

onEngines("a pickle, nonsense and orders for others harm nobody, and are counted", async (on) => {
  await on.addUser("ada");
  const tab = await on.tab(0, "ada", { reconnection: false });
  await on.python.publish("socketio", Buffer.from([0x80, 4, 0x95, 0x2e]));
  for (
    const text of [
      "",
      "{",
      "null",
      "[1]",
      '{"method":"emit","event":"disconnect","room":"user:ada"}',
    ]
  ) {
    await on.python.publish("socketio", text);
    await on.python.publish("socketio#/#user:ada", text);
  }
  await on.control("disconnect", { sid: "another" });
  await on.control("leave_room", { sid: "another", room: "user:ada" });
  await on.control("close_room", { room: "none" });
  await on.control("callback", { sid: tab.socket.id, id: 1, args: [] });
  await on.emit("user:ada", "events", { data: { type: "chat:title" } });
  await until(() => tab.of("events").length === 1, { what: "the sound one" });
  assert.equal(tab.socket.connected, true);
  assert.ok((on.apps[0]?.bridge.stats().unreadable ?? 0) >= 11);
});

onEngines(
  "what a browser sends that is no payload is answered with nothing, and changes nothing",
  async (on) => {
    await on.addUser("ada");
    const tab = await on.tab(0, "ada");
    const odd = [undefined, null, 1, "x", [], { chat_id: 1 }, {
      chat_id: "__proto__",
      data: { type: "join" },
    }];
    for (
      const name of ["events:chat", "events:channel", "ydoc:document:join", "join-note", "usage"]
    ) {
      for (const payload of odd) {
        const [answer] = await tab.ask(name, payload);
        assert.ok(answer === undefined || answer === false, `${name} ${JSON.stringify(payload)}`);
      }
    }
    for (const token of [1, null, "x".repeat(9_000), "a.b.c"]) {
      assert.deepEqual(await tab.ask("user-join", { auth: { token } }), []);
    }
    assert.equal(tab.socket.connected, true);
    assert.equal((await on.pool()).size, 1, "the session is as it was");
  },
);

onEngines(
  "one event of 33 MB reaches who reads, cuts no socket, and what follows arrives",
  async (on) => {
    await on.addUser("ada");
    const tab = await on.tab(0, "ada", { reconnection: false });
    const large = "x".repeat(33 * 1024 * 1024);
    await on.python.config("SET", "client-output-buffer-limit", "pubsub 0 0 0");
    await on.emit("user:ada", "events", { chat_id: "c", data: { type: "replace", data: large } });
    await on.emit("user:ada", "events", { chat_id: "c", data: { type: "chat:title" } });
    await until(() => tab.of("events").length === 2, { what: "both", limitMs: 30_000 });
    assert.equal(tab.socket.connected, true);
    const { slowReadersCut, largePackets } = on.apps[0]?.sockets.server.stats() ?? {};
    assert.deepEqual([slowReadersCut, largePackets], [0, 1]);
  },
  { instances: 1 },
);

onEngines(
  "Redis itself cuts who hears 33 MB: heard again within seconds, and chats are read anew",
  async (on) => {
    await on.addUser("ada");
    await on.fixture.insert("chat", {
      id: "c",
      user_id: "ada",
      archived: false,
      updated_at: 1,
      meta: {},
    });
    const tab = await on.tab(0, "ada", { reconnection: false });
    await tab.ask("events:chat", { chat_id: "c", data: { type: "join" } });
    const large = "x".repeat(33 * 1024 * 1024);
    await on.python.config("SET", "client-output-buffer-limit", "pubsub 8388608 8388608 1");
    await on.emit("user:ada", "events", { chat_id: "c", data: { type: "replace", data: large } });
    const sinceMs = performance.now();
    const types = () => tab.of<{ data: { type: string } }>("events").map(({ data }) => data.type);
    await until(() => types().includes("chat:reload"), {
      what: "the word to reload",
      limitMs: 60_000,
    });
    await on.emit("user:ada", "events", { chat_id: "c", data: { type: "chat:title" } });
    await until(() => types().includes("chat:title"), { what: "the next event" });
    assert.ok(performance.now() - sinceMs < 30_000);
    assert.equal(tab.socket.connected, true);
  },
  { instances: 1 },
);
