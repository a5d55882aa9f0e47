import assert from "node:assert/strict";
import fc from "fast-check";
import { parseLenientJson } from "../../lib/bridge/lenient_json.ts";
import {
  BASE_CHANNEL,
  readBridgeMessage,
  roomChannel,
  writeCallback,
} from "../../lib/bridge/messages.ts";

const read = (message: unknown) => readBridgeMessage(JSON.stringify(message));
const emit = (more: object) => ({
  ...{ method: "emit", event: "events", namespace: "/", room: "user:u", skip_sid: null },
  ...{ callback: null, host_id: "h" },
  ...more,
});
const argsOf = (message: unknown) => {
  const found = read(message);
  assert.equal(found?.method, "emit");
  return found.method === "emit" ? found.args : [];
};

for (const version of ["0.11.3", "0.12.4"]) {
  Deno.test(`every message seen on the bus of Open WebUI ${version} is read`, async () => {
    const file = new URL(`../openwebui/fixtures/bus-${version}.jsonl`, import.meta.url);
    const lines = (await Deno.readTextFile(file)).trim().split("\n");
    assert.ok(lines.length >= 10);
    for (const line of lines) {
      const { channel, message } = JSON.parse(line);
      const found = read(message);
      assert.ok(found);
      assert.equal(found.method, message.method);
      assert.match(found.hostId, /^[0-9a-f]{32}$/);
      if (found.method === "callback") {
        assert.equal(writeCallback(found), JSON.stringify(message));
      }
      if (found.method !== "emit") continue;
      assert.deepEqual(found.args, message.data);
      const isOfRoom = channel !== BASE_CHANNEL;
      if (isOfRoom) assert.equal(channel, roomChannel(found.rooms?.[0] ?? ""));
    }
  });
}

Deno.test("the arguments of an event, by the version that sent it", () => {
  const one = { chat_id: "c" };
  assert.deepEqual(argsOf(emit({ data: [one], binary: false })), [one], "5.15.1 and later");
  assert.deepEqual(argsOf(emit({ data: [one, 2], binary: false })), [one, 2]);
  assert.deepEqual(argsOf(emit({ data: [], binary: false })), []);
  assert.deepEqual(argsOf(emit({ data: one, binary: false })), [one], "5.14.2 to 5.15.0");
  assert.deepEqual(argsOf(emit({ data: one })), [one], "5.14.0 and 5.14.1");
  assert.deepEqual(argsOf(emit({ data: [1, 2] })), [[1, 2]], "a list was one argument then");
  assert.deepEqual(argsOf(emit({ data: null })), []);
  assert.deepEqual(argsOf(emit({})), []);
  const packet = [{ bytes: { _placeholder: true, num: 1 } }, { _placeholder: true, num: 0 }];
  assert.deepEqual(argsOf(emit({ data: [packet, "AQI=", "Aw=="], binary: true })), [
    { bytes: new Uint8Array([3]) },
    new Uint8Array([1, 2]),
  ]);
});

Deno.test("rooms and exceptions are one, many or none; a call names its socket", () => {
  const found = read(emit({ room: ["a", "b"], skip_sid: ["x"], data: [], binary: false }));
  assert.deepEqual(found, {
    ...{ method: "emit", hostId: "h", event: "events", args: [] },
    ...{ rooms: ["a", "b"], except: ["x"], callback: undefined },
  });
  const all = read(emit({ room: null, callback: ["s1", "/", 7] }));
  assert.ok(all?.method === "emit");
  assert.equal(all.rooms, undefined);
  assert.deepEqual(all.callback, { sid: "s1", id: 7 });
});

Deno.test("another namespace is not ours", () => {
  assert.equal(read(emit({ namespace: "/admin" })), undefined);
});

Deno.test("Python's NaN and infinities become null, and their names in texts stay", () => {
  const text = '{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \\" Infinity", "d": "\\\\"}';
  assert.deepEqual(parseLenientJson(text), {
    ...{ a: null, b: [null, null], c: 'NaN " Infinity', d: "\\" },
  });
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const json = JSON.stringify({ value, more: 0 }).replace(/0}$/, "NaN}");
    assert.deepEqual(parseLenientJson(json), JSON.parse(JSON.stringify({ value, more: null })));
  }));
});

Deno.test("hostile messages are refused, and a pickle is never unpacked", () => {
  const refused = (message: string, why: RegExp) =>
    assert.throws(() => readBridgeMessage(message), { name: "UnreadableMessage", message: why });
  refused(new TextDecoder().decode(new Uint8Array([0x80, 4, 0x95, 0x2e])), /pickle/);
  refused("{", /no JSON/);
  refused("", /no JSON/);
  const bodies = [
    ...[1, null, [], {}, { method: "exec", code: "x" }],
    ...[emit({ event: "disconnect" }), emit({ event: "" }), emit({ event: { toString: 1 } })],
    ...[emit({ room: 5 }), emit({ callback: ["s"] }), emit({ callback: [1, "/", "x"] })],
    ...[{ method: "leave_room", sid: "s" }, { method: "disconnect" }],
    { method: "callback", sid: "s", id: "1", args: [] },
  ];
  for (const body of bodies) refused(JSON.stringify(body), /python-socketio|no JSON/);
  refused(
    JSON.stringify(emit({ binary: true, data: [[{ _placeholder: true, num: 3 }]] })),
    /missing/,
  );
  refused(JSON.stringify(emit({ binary: true, data: [[], "%%%"] })), /base64/);
});

Deno.test("anything at all is read, refused or not ours, and throws nothing else", () => {
  const values = fc.record({
    method: fc.oneof(fc.constantFrom("emit", "callback", "enter_room", "close_room"), fc.string()),
    ...{
      event: fc.jsonValue(),
      data: fc.jsonValue(),
      binary: fc.jsonValue(),
      room: fc.jsonValue(),
    },
    ...{ sid: fc.jsonValue(), callback: fc.jsonValue(), id: fc.jsonValue(), args: fc.jsonValue() },
  }, { requiredKeys: ["method"] });
  fc.assert(fc.property(fc.oneof(values, fc.jsonValue()), (body) => {
    try {
      read(body);
    } catch (thrown) {
      assert.equal((thrown as Error).name, "UnreadableMessage", String(thrown));
    }
  }));
});
