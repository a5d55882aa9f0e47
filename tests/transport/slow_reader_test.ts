import assert from "node:assert/strict";
import { Adapter } from "socket.io-adapter";
import { createLogger } from "../../lib/common/logger.ts";
import type { Coalescer } from "../../lib/transport/coalescing.ts";
import { until } from "../support/until.ts";
import { startServer } from "./support/server.ts";
import { WireClient } from "./support/wire_client.ts";

interface Delta {
  stream: string;
  from: number;
  seq: number;
  text: string;
}

const deltas: Coalescer = {
  keyOf: ([event, payload]) => event === "delta" ? (payload as Delta).stream : undefined,
  merge: (earlier, later) => {
    const a = earlier[1] as Delta, b = later[1] as Delta;
    return ["delta", { stream: a.stream, from: a.from, seq: b.seq, text: a.text + b.text }];
  },
};

const delta = (stream: string, seq: number, text: string): Delta => ({
  stream,
  from: seq,
  seq,
  text,
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What a client got after its sign-in, decoded. */
const events = (client: WireClient): [string, unknown][] =>
  client.texts.filter((text) => text.startsWith("42")).map((text) => JSON.parse(text.slice(2)));

/** A client that signs in and then reads nothing until `read()`. */
async function connectStopped(port: number): Promise<WireClient> {
  const client = await WireClient.connect(port);
  client.pauseAfter((texts) => texts.some((text) => text.startsWith("40")));
  await client.upgrade();
  await client.send("40");
  await client.until(() => client.isPaused, "the namespace");
  return client;
}

/** Broadcasts later, as the adapters between instances do. */
class AwaitingAdapter extends Adapter {
  override broadcast(...args: Parameters<Adapter["broadcast"]>): void {
    queueMicrotask(() => super.broadcast(...args));
  }
}

for (const adapter of [undefined, AwaitingAdapter]) {
  const name = adapter === undefined ? "Socket.IO's adapter" : "an adapter that awaits";
  Deno.test(`${name}: streams merge for a socket that is behind, in order, nothing lost`, async () => {
    await using started = await startServer({
      transports: "websocket",
      maxSendBufferBytes: 30_000_000,
      coalesce: deltas,
      ...(adapter === undefined ? {} : { adapter }),
    });
    const { io } = started.server;
    await using slow = await connectStopped(started.port);
    // Filled until the kernel takes no more and the engine's queue is over the threshold.
    const filler = "f".repeat(500_000);
    for (let index = 0; index < 20; index++) {
      io.emit("filler", filler);
      await turn();
    }
    await using fast = await WireClient.open(started.port);
    const wanted: Record<string, string> = { a: "", b: "" };
    for (let seq = 1; seq <= 1_000; seq++) {
      for (const stream of ["a", "b"]) {
        const text = `${stream}${seq} `;
        wanted[stream] += text;
        io.emit("delta", delta(stream, seq, text));
      }
      if (seq === 500) io.emit("marker", { half: true });
      if (seq % 20 === 0) await turn();
    }
    io.emit("done", {});
    slow.resume();
    for (const client of [slow, fast]) {
      await client.until(() => client.texts.at(-1)?.startsWith('42["done"'), "the end");
      const got = events(client);
      for (const stream of ["a", "b"]) {
        const own = got.filter(([event, payload]) =>
          event === "delta" && (payload as Delta).stream === stream
        ).map(([, payload]) => payload as Delta);
        assert.equal(own.map(({ text }) => text).join(""), wanted[stream]);
        let next = 1;
        for (const { from, seq } of own) {
          assert.equal(from, next);
          next = seq + 1;
        }
        assert.equal(next, 1_001);
        const marker = got.findIndex(([event]) => event === "marker");
        const before = got.slice(0, marker).filter(([event, payload]) =>
          event === "delta" && (payload as Delta).stream === stream
        );
        assert.equal((before.at(-1)?.[1] as Delta).seq, 500);
      }
    }
    const count = (client: WireClient) =>
      events(client).filter(([name]) => name === "delta").length;
    assert.equal(count(fast), 2_000);
    assert.ok(count(slow) < 200, `${count(slow)} deltas for the slow one`);
    assert.equal(started.server.stats().mergedPackets, 2_000 - count(slow));
    assert.equal(started.server.stats().slowReadersCut, 0);
  });
}

Deno.test("a reader that stops is cut at the bound, and others get everything", async () => {
  const lines: string[] = [];
  await using started = await startServer({
    transports: "websocket",
    maxSendBufferBytes: 2_000_000,
    logger: createLogger({ level: "warn", write: (line) => lines.push(line) }),
  });
  const { server } = started;
  await using stopped = await connectStopped(started.port);
  await using reader = await WireClient.open(started.port);
  const text = "x".repeat(20_000);
  let sent = 0;
  while (server.stats().slowReadersCut === 0) {
    assert.ok(sent < 5_000, "100 MB sent and nobody cut");
    server.io.emit("bulk", { index: sent++, text });
    await turn();
    await reader.until(() => reader.texts.length > sent - 20, "the reader to keep up");
  }
  await until(() => server.io.engine.clientsCount === 1, { what: "the session's end" });
  await until(() => server.stats().sockets === 1, { what: "the TCP connection's end" });
  await reader.until(() => events(reader).length === sent, "everything");
  assert.equal(reader.ended, false);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /slow reader cut/);
  stopped.resume();
  await stopped.until(() => stopped.ended, "the end at the client");
});

Deno.test("a merged stream counts by its true size, and is bounded too", async () => {
  await using started = await startServer({
    transports: "websocket",
    maxSendBufferBytes: 600_000,
    coalesce: deltas,
  });
  const { io } = started.server;
  await using _slow = await connectStopped(started.port);
  const filler = "f".repeat(100_000);
  const conn = [...io.of("/").sockets.values()][0]?.conn;
  assert.ok(conn);
  const internals = conn as unknown as { writeBuffer: unknown[] };
  for (let index = 0; index < 400 && internals.writeBuffer.length === 0; index++) {
    io.emit("filler", filler);
    await turn();
  }
  assert.ok(internals.writeBuffer.length > 0, "the client still reads");
  // 60 bytes around each letter: as separate packets 1.2 MB, merged 20 kB.
  for (let seq = 1; seq <= 20_000; seq++) io.emit("delta", delta("a", seq, "x"));
  assert.equal(started.server.stats().slowReadersCut, 0);
  for (let seq = 20_001; seq <= 20_020; seq++) io.emit("delta", delta("a", seq, filler));
  assert.equal(started.server.stats().slowReadersCut, 1);
  await until(() => started.server.stats().sockets === 0, { what: "the end" });
});

Deno.test("one event larger than the bound cuts nobody who reads, and is counted; a reader that stops is cut by the third", async () => {
  const limit = 1_000_000;
  await using started = await startServer({
    transports: "websocket",
    maxSendBufferBytes: limit,
    maxPayloadBytes: 100_000,
  });
  const { io } = started.server;
  const large = "x".repeat(20 * limit);
  await using reader = await WireClient.open(started.port);
  // Small ones around it in the same turn: the transport is busy when the large one comes.
  io.emit("small", 1);
  io.emit("large", large);
  io.emit("small", 2);
  await until(() => events(reader).length === 3, { what: "all three", limitMs: 60_000 });
  assert.deepEqual(events(reader).map(([name]) => name), ["small", "large", "small"]);
  assert.equal(started.server.stats().slowReadersCut, 0);
  assert.equal(started.server.stats().largePackets, 1);
  await using _slow = await connectStopped(started.port);
  const stopped = [...io.sockets.sockets.values()].at(-1);
  for (let n = 0; n < 4; n++) {
    stopped?.emit("large", large);
    await turn();
  }
  await until(() => started.server.stats().slowReadersCut === 1, {
    what: "the one who reads nothing",
  });
});
