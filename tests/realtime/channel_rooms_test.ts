import assert from "node:assert/strict";
import { silentLogger } from "../../lib/common/logger.ts";
import { ChannelRooms } from "../../lib/realtime/channel_rooms.ts";
import type { RealtimeSocket, Session } from "../../lib/realtime/session.ts";
import { until } from "../support/until.ts";
import { startRealtime } from "./fixture.ts";

/** Channels in memory, whose store can fail, and which tell when they are read. */
async function openChannels() {
  const members = new Map<string, Set<string>>();
  const store = { isAway: false, asked: 0, onRead: () => Promise.resolve() };
  const reads = async <T>(answer: () => T): Promise<T> => {
    store.asked++;
    if (store.isAway) throw new Error("the store is away");
    const read = answer();
    await store.onRead();
    return read;
  };
  const sockets = new Map<string, RealtimeSocket>();
  const fixture = await startRealtime((io) =>
    io.on("connection", (socket) => {
      const { user } = socket.handshake.auth;
      socket.data.session = { sid: socket.id, user: { id: user } } as unknown as Session;
      void socket.join(`user:${user}`);
      sockets.set(user, socket);
    })
  );
  const rooms = new ChannelRooms({
    io: fixture.io,
    logger: silentLogger,
    async *channelsOf({ id }) {
      yield await reads(() => [...members].filter(([, who]) => who.has(id)).map(([key]) => key));
    },
    mayEnter: (userId, id) => reads(() => members.get(id)?.has(userId) ?? false),
  });
  return {
    ...{ members, store, rooms },
    async enter(user: string): Promise<void> {
      const socket = sockets.get(user);
      assert.ok(socket?.data.session);
      await rooms.enter(socket, socket.data.session);
    },
    connect: (user: string) => fixture.connect({ user }),
    isIn: (user: string, id: string) => sockets.get(user)?.rooms.has(`channel:${id}`) ?? false,
    async [Symbol.asyncDispose]() {
      rooms[Symbol.dispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a failed read of the store puts nobody out of a channel; what changed is found later", async () => {
  await using given = await openChannels();
  const { members, store, rooms } = given;
  members.set("c", new Set(["ada", "bob"]));
  for (const user of ["ada", "bob"]) {
    await given.connect(user);
    await given.enter(user);
  }
  store.isAway = true;
  members.set("c", new Set(["ada", "cy"]));
  await given.connect("cy");
  await rooms.channelChanged("c");
  await rooms.userChanged("bob", "c");
  const { asked } = store;
  await until(() => store.asked > asked + 3, { what: "the store to be asked again" });
  assert.deepEqual(["ada", "bob", "cy"].map((user) => given.isIn(user, "c")), [true, true, false]);
  store.isAway = false;
  await until(() => !given.isIn("bob", "c") && given.isIn("cy", "c"), {
    what: "the store's answers to be in force",
  });
  assert.ok(given.isIn("ada", "c"));
});

Deno.test("who connects while the store can't tell is let into the channels later, without a reload", async () => {
  await using given = await openChannels();
  given.members.set("c", new Set(["ada"]));
  given.store.isAway = true;
  await given.connect("ada");
  await assert.rejects(given.enter("ada"), /the store is away/);
  given.store.isAway = false;
  await until(() => given.isIn("ada", "c"), { what: "ada to be in her channel" });
});

Deno.test("M: a change of access that comes while a session joins its channels is not forgotten", async () => {
  await using given = await openChannels();
  const { members, store, rooms } = given;
  members.set("c", new Set(["ada"]));
  await given.connect("ada");
  // The list has been read and is on its way when ada is sent out of one channel and let into another.
  store.onRead = async () => {
    store.onRead = () => Promise.resolve();
    members.set("c", new Set());
    members.set("d", new Set(["ada"]));
    await rooms.channelChanged("c");
    await rooms.userChanged("ada", "d");
  };
  await given.enter("ada");
  assert.deepEqual([given.isIn("ada", "c"), given.isIn("ada", "d")], [false, true]);
});
