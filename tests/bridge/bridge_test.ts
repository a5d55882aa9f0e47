/** Python's processes on one end, as a plain Redis client that says what they say; browsers on the other. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { io as connect, type Socket as Client } from "socket.io-client";
import { Bridge } from "../../lib/bridge/bridge.ts";
import { openRedisBus } from "../../lib/bus/redis_bus.ts";
import { ReliableTransport } from "../../lib/bus/reliable_transport.ts";
import { joinCluster } from "../../lib/cluster/cluster.ts";
import { BridgedSockets } from "../../lib/realtime/bridged_sockets.ts";
import type { RealtimeServer } from "../../lib/realtime/session.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { until } from "../support/until.ts";

const ignore = !redisAvailable();
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

interface Tab {
  client: Client;
  sid: string;
  heard: unknown[][];
}

async function instance(redis: RedisServer) {
  const stack = new AsyncDisposableStack();
  const { logger, lines } = keepingLogger();
  const bus = stack.use(await openRedisBus({ url: redis.url, logger }));
  const transport = stack.use(new ReliableTransport({ bus, logger }));
  let gaps = 0;
  const bridge = stack.use(new Bridge({ channels: bus.plain, logger, onGap: () => void gaps++ }));
  const cluster = stack.use(
    joinCluster({ transport, logger, alsoListen: (room) => bridge.listenTo(room) }),
  );
  const http = createServer();
  const io = new Server(http, { adapter: cluster.adapter, transports: ["websocket"] });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const moved: unknown[] = [];
  const sockets = new BridgedSockets({
    io: io as unknown as RealtimeServer,
    onEmit() {},
    onMoved: (socket, room, isIn) => void moved.push([socket.id, room, isIn]),
  });
  await bridge.serve(sockets);
  const clients: Client[] = [];
  stack.defer(async () => {
    for (const client of clients) client.disconnect();
    await io.close();
  });
  return {
    bridge,
    lines,
    moved,
    io,
    gaps: () => gaps,
    async tab(...rooms: string[]): Promise<Tab> {
      const client = connect(`http://127.0.0.1:${port}`, {
        transports: ["websocket"],
        forceNew: true,
        reconnection: false,
      });
      clients.push(client);
      const heard: unknown[][] = [];
      client.onAny((...event) => void heard.push(event.slice(0, 2)));
      await until(() => client.connected, { what: "the tab" });
      const sid = client.id ?? "";
      const socket = await until(() => io.sockets.sockets.get(sid), { what: "the socket" });
      await socket.join(rooms);
      return { client, sid, heard };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function world() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const python = new Redis(redis.url, { retryStrategy: () => null });
  stack.defer(async () => void await python.quit());
  const said: string[] = [];
  const listener = python.duplicate();
  // A test may have cut it.
  stack.defer(async () => void await listener.quit().catch(() => {}));
  await listener.subscribe("socketio");
  listener.on("message", (_channel, text) => void said.push(text));
  return {
    redis,
    /** What is said on the base channel, by whoever. */
    said,
    say: (channel: string, message: object) => python.publish(channel, JSON.stringify(message)),
    raw: (channel: string, bytes: Uint8Array) => python.publish(channel, Buffer.from(bytes)),
    instance: async () => stack.use(await instance(redis)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const emit = (room: unknown, text: string, more: object = {}) => ({
  ...{ method: "emit", event: "events", data: [{ text }], binary: false, namespace: "/", room },
  ...{ skip_sid: null, callback: null, host_id: "331c2f48" },
  ...more,
});

test("an event reaches the members of its room on every instance once, in both channel styles", async () => {
  await using on = await world();
  const [a, b] = [await on.instance(), await on.instance()];
  const [ada, ada2, bob] = [
    await a.tab("user:ada"),
    await b.tab("user:ada"),
    await b.tab("user:bob"),
  ];
  await on.say("socketio#/#user:ada", emit("user:ada", "new style"));
  await on.say("socketio", emit("user:ada", "old style", { skip_sid: ada2.sid }));
  await on.say("socketio", emit(["user:ada", "user:bob"], "two rooms"));
  await on.say("socketio", emit(null, "all"));
  await on.say(`socketio#/#${bob.sid}`, emit(bob.sid, "one socket"));
  const texts = (tab: Tab) => tab.heard.map(([, data]) => (data as { text: string }).text);
  await until(() => texts(ada).length >= 4 && texts(bob).length >= 3, { what: "the events" });
  assert.deepEqual(texts(ada), ["new style", "old style", "two rooms", "all"]);
  assert.deepEqual(texts(ada2), ["new style", "two rooms", "all"]);
  assert.deepEqual(texts(bob), ["two rooms", "all", "one socket"]);
});

test("a call is answered by its socket alone, on the base channel, with all its arguments", async () => {
  await using on = await world();
  const [a, b] = [await on.instance(), await on.instance()];
  const tab = await a.tab("user:ada");
  await b.tab("user:ada");
  tab.client.on("events", (_data, answer) => answer?.(42, "more"));
  const callback = [tab.sid, "/", 7];
  await on.say(`socketio#/#${tab.sid}`, emit(tab.sid, "execute", { callback }));
  await until(() => on.said.length > 0, { what: "the callback" });
  assert.deepEqual(on.said.map((text) => JSON.parse(text)), [{
    ...{ method: "callback", host_id: "331c2f48", sid: tab.sid, namespace: "/" },
    ...{ id: 7, args: [42, "more"] },
  }]);
});

test("Python moves, empties and disconnects sockets that it does not hold", async () => {
  await using on = await world();
  const [a, b] = [await on.instance(), await on.instance()];
  const [ada, bob] = [await a.tab("user:ada"), await b.tab("user:bob", "channel:c")];
  const control = (method: string, more: object) =>
    on.say("socketio", { method, namespace: "/", host_id: "331c2f48", ...more });
  await control("enter_room", { sid: ada.sid, room: "channel:c" });
  await until(() => a.moved.length === 1, { what: "the join" });
  await until(() => a.bridge.stats().channels === 4, { what: "the new room's channel" });
  await on.say("socketio#/#channel:c", emit("channel:c", "one"));
  await until(() => ada.heard.length === 1 && bob.heard.length === 1, { what: "the event" });
  await control("leave_room", { sid: bob.sid, room: "channel:c" });
  await until(() => b.moved.length === 1, { what: "the leave" });
  await control("close_room", { room: "channel:c" });
  await until(() => a.moved.length === 2, { what: "the end of the room" });
  assert.deepEqual(a.moved, [[ada.sid, "channel:c", true], [ada.sid, "channel:c", false]]);
  assert.deepEqual(b.moved, [[bob.sid, "channel:c", false]]);
  const reasons: string[] = [];
  bob.client.on("disconnect", (reason) => void reasons.push(reason));
  await control("disconnect", { sid: bob.sid });
  await until(() => reasons.length === 1, { what: "the disconnect" });
  assert.deepEqual(reasons, ["io server disconnect"]);
  assert.equal(ada.client.connected, true);
});

test("a pickle and other hostile messages are counted, told once, and harm nobody", async () => {
  await using on = await world();
  const a = await on.instance();
  const tab = await a.tab("user:ada");
  for (let n = 0; n < 3; n++) await on.raw("socketio", new Uint8Array([0x80, 4, 0x95, 0x2e]));
  for (const text of ["", "[]", '{"method":"emit","event":"connect","data":[]}']) {
    await on.raw("socketio", new TextEncoder().encode(text));
  }
  await on.say("socketio", emit("user:ada", "sound"));
  await until(() => tab.heard.length === 1, { what: "the sound one" });
  assert.equal(a.bridge.stats().unreadable, 6);
  const warnings = a.lines.filter((line) => line.includes("can't be read"));
  assert.equal(warnings.length, 4);
});

test("a subscription that is lost and back tells of a gap, and hears all rooms again", async () => {
  await using on = await world();
  const a = await on.instance();
  const tab = await a.tab("user:ada");
  await on.redis.cutPubSub();
  await until(() => a.gaps() > 0, { what: "the gap", limitMs: 60_000 });
  await until(async () => {
    await on.say("socketio#/#user:ada", emit("user:ada", "again"));
    return tab.heard.length > 0;
  }, { what: "the room's events", everyMs: 50 });
});

test("a room that its last member leaves is not listened to any more", async () => {
  await using on = await world();
  const a = await on.instance();
  const tab = await a.tab("user:ada", "channel:c");
  assert.equal(a.bridge.stats().channels, 4, "all, the socket, two rooms");
  tab.client.disconnect();
  await until(() => a.bridge.stats().channels === 1, { what: "the rooms' end" });
});
