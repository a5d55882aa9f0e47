import assert from "node:assert/strict";
import { ListenedRooms } from "../../lib/cluster/listened_rooms.ts";
import { isFor, PacketLog } from "../../lib/cluster/packet_log.ts";

const listening = { live: Promise.resolve(), stop: () => {} };

Deno.test("events concern this instance for those who are here, and for those who are away", () => {
  const used = new Set(["here"]);
  const rooms = new ListenedRooms({
    listen: () => [listening],
    isUsed: (room) => used.has(room),
    waitMs: 100,
  });
  assert.ok(rooms.concern(new Set()), "what is for everybody");
  assert.ok(rooms.concern(new Set(["elsewhere", "here"])), "one of its rooms is enough");
  assert.ok(!rooms.concern(new Set(["elsewhere"])));
  void rooms.hold(["away"]);
  void rooms.hold(["away"]);
  rooms.release(["away"]);
  assert.ok(rooms.concern(new Set(["away"])), "as long as one is away");
  rooms.release(["away"]);
  assert.ok(!rooms.concern(new Set(["away"])));
});

Deno.test("what was missed is found by the rooms it was sent to, but for those left out", () => {
  const log = new PacketLog({ maxAgeMs: 1_000, maxBytes: 10_000 });
  const none = new Set<string>();
  log.append(["events", 1], new Set(["a", "b"]), none);
  log.append(["events", 2], new Set(["c"]), none);
  log.append(["events", 3], none, none);
  log.append(["events", 4], none, new Set(["a"]));
  const heardIn = (...rooms: string[]) =>
    log.between(0, log.seq, new Set(rooms)).map(({ data }) => data[1]);
  assert.deepEqual(heardIn("a"), [1, 3]);
  assert.deepEqual(heardIn("b", "c"), [1, 2, 3, 4]);
  assert.deepEqual(heardIn("d"), [3, 4]);
  assert.ok(isFor({ rooms: [], except: [] }, none));
  assert.ok(log.bytes > 0);
  assert.ok(log.append(["x", { text: "y".repeat(100) }], none, none).length === 3);
});
