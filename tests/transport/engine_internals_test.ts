import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Server as EngineServer, Socket as EngineSocket } from "engine.io";
import { type Packet, PacketType } from "socket.io-parser";
import * as ws from "ws";
import { RememberingEncoder } from "../../lib/transport/coalescing.ts";
import type { Connection } from "../../lib/transport/connection.ts";
import { textFrame } from "../../lib/transport/text_frame.ts";
import { startServer } from "./support/server.ts";
import { WireClient } from "./support/wire_client.ts";

/** What `lib/transport` takes for granted of engine.io and ws, beyond their public types. */
Deno.test("engine.io's socket is what the guards stand in for", async () => {
  const prototype = EngineSocket.prototype as unknown as Connection;
  assert.equal(typeof prototype.write, "function");
  assert.equal(typeof prototype.flush, "function");
  assert.match(String(prototype.write), /this\.sendPacket\(/);
  const { sendPacket } = prototype as unknown as { sendPacket: () => void };
  assert.match(String(sendPacket), /this\.flush\(\)/);

  await using started = await startServer({ transports: "websocket" });
  await using _client = await WireClient.open(started.port);
  const connection = [...started.server.io.of("/").sockets.values()][0]?.conn;
  assert.ok(connection);
  const internals = connection as unknown as Connection;
  assert.ok(Array.isArray(internals.writeBuffer));
  assert.equal(typeof internals.transport.writable, "boolean");
  assert.equal(typeof internals.transport.socket?.terminate, "function");
  assert.equal(internals.transport.socket?._receiver?._maxPayload, 100_000);
  // What waits is handed over as one batch, and the buffer is empty after: the two numbers of the outbound guard.
  internals.transport.writable = false;
  internals.write("42[1]");
  internals.write("42[2]");
  assert.equal(internals.writeBuffer.length, 2);
  internals.transport.writable = true;
  internals.flush();
  assert.equal(internals.writeBuffer.length, 0);
  const { clients } = started.server.io.engine as unknown as {
    clients: Record<string, unknown>;
  };
  assert.equal(clients[internals.id], connection);
});

Deno.test("nothing of a connection keeps the request that it began with", async () => {
  assert.match(String(EngineServer.prototype.handleUpgrade), /new WebSocketResponse\(/);
  await using started = await startServer({ transports: "websocket" });
  await using _client = await WireClient.open(started.port);
  const [socket] = started.server.io.of("/").sockets.values();
  const connection = socket?.conn as unknown as Connection;
  assert.equal(connection.request, undefined);
  assert.deepEqual(socket?.handshake.headers, {});
  // The engine's own stand-in for a response would keep it, to say when the connection ends.
  const listeners = connection.transport.socket?._socket?.rawListeners("close") ?? [];
  assert.ok(listeners.length > 0);
  const texts = listeners.map((one) => String((one as { listener?: unknown }).listener ?? one));
  assert.ok(!texts.some((text) => text.includes('emit("close")')), texts.join("\n"));
});

Deno.test("a prepared frame is what ws makes of the same text", () => {
  const options = { readOnly: false, mask: false, rsv1: false, opcode: 1, fin: true };
  const { Sender } = ws as unknown as {
    Sender: { frame: (data: Buffer, options: unknown) => Buffer[] };
  };
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 200_000]) {
    const text = "ü".repeat(length / 2) + "x".repeat(length % 2);
    const expected = Buffer.concat(Sender.frame(Buffer.from(text), options));
    assert.ok(textFrame(text).equals(expected), `${length} bytes`);
  }
});

Deno.test("the encoder says what a text was made from, and nothing when it can't know", () => {
  const encoder = new RememberingEncoder();
  encoder.use({
    keyOf: (args) => args[0] === "delta" ? "d" : undefined,
    merge: (_earlier, later) => [...later],
  });
  const packet = (data: unknown[], more: Partial<Packet> = {}): Packet => ({
    type: PacketType.EVENT,
    nsp: "/",
    data,
    ...more,
  });
  const payload = { text: "a" };
  const [text = ""] = encoder.encode(packet(["delta", payload]));
  payload.text = "changed since";
  assert.deepEqual(encoder.streamOf(text), {
    key: "/,d",
    nsp: "/",
    args: ["delta", { text: "a" }],
  });
  const [inNamespace = ""] = encoder.encode(packet(["delta", 1], { nsp: "/x" }));
  assert.deepEqual(encoder.streamOf(inNamespace), { key: "/x,d", nsp: "/x", args: ["delta", 1] });
  assert.equal(encoder.streamOf(text), undefined);
  for (
    const other of [
      packet(["other", 1]),
      packet(["delta", 1], { id: 7 }),
      packet([1], { type: PacketType.ACK, id: 7 }),
    ]
  ) {
    const [encoded = ""] = encoder.encode(other);
    assert.equal(encoder.streamOf(encoded), undefined);
  }
  const [header = ""] = encoder.encode(packet(["delta", new Uint8Array(2)]));
  assert.equal(encoder.streamOf(header), undefined);
});

Deno.test("a small packet for an idle socket is written past the queues, and none overtakes another", async () => {
  await using started = await startServer({
    transports: "websocket",
    maxSendBufferBytes: 10_000_000,
  });
  await using client = await WireClient.open(started.port);
  const { io } = started.server;
  const connection = [...io.of("/").sockets.values()][0]?.conn as unknown as Connection | undefined;
  assert.ok(connection);
  io.emit("n", "first");
  assert.equal(connection.transport.writable, false, "what follows within the turn waits");
  await Promise.resolve();
  assert.equal(connection.transport.writable, true, "the engine has nothing to do");
  const sizes = [10, 100_000, 10, 20_000, 0, 10, 300_000, 10];
  for (const [at, size] of sizes.entries()) {
    io.emit("n", `${at} ${"x".repeat(size)}`);
    if (at === 4) io.emit("n", new Uint8Array(3));
  }
  const last = sizes.length - 1;
  const arrived = () => client.texts.filter((text) => text.startsWith('42["n"'));
  await client.until(() => arrived().at(-1)?.startsWith(`42["n","${last} `) === true, "the last");
  const expected = ["first", ...sizes.map((size, at) => `${at} ${"x".repeat(size)}`)];
  assert.deepEqual(arrived(), expected.map((text) => `42${JSON.stringify(["n", text])}`));
  assert.equal(client.binaries.length, 1);
});
