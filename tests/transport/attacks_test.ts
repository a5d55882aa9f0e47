import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { until } from "../support/until.ts";
import { PATH, startServer } from "./support/server.ts";
import { frame, type FrameOptions, WireClient } from "./support/wire_client.ts";

const MAX_PAYLOAD = 100_000;

/** Sends fragments of one message until the server ends it, for half a minute at the most. */
async function fragmentsWithoutEnd(port: number): Promise<void> {
  await using client = await WireClient.open(port, { signIn: false });
  const part = frame("x".repeat(60_000), { opcode: 0, fin: false });
  await client.send("4", { fin: false });
  const end = performance.now() + 30_000;
  let sent = 0;
  while (!client.ended && performance.now() < end && await client.write(part)) {
    sent += part.length;
  }
  assert.ok(client.ended, `still open after ${sent} bytes`);
}

Deno.test("a message at the limit passes, one byte more closes with 1009", async () => {
  await using started = await startServer({ maxPayloadBytes: MAX_PAYLOAD });
  let reason = "", received = 0;
  started.server.io.on("connection", (socket) => {
    socket.on("big", (text: string) => received = text.length);
    socket.on("disconnect", (why) => reason = why);
  });
  await using client = await WireClient.open(started.port);
  const shell = '42["big",""]'.length;
  await client.send(`42["big","${"x".repeat(MAX_PAYLOAD - shell)}"]`);
  await client.until(() => received === MAX_PAYLOAD - shell, "the message at the limit");
  await client.send(`42["big","${"x".repeat(MAX_PAYLOAD - shell + 1)}"]`);
  await client.until(() => client.closeCode, "the close frame");
  assert.equal(client.closeCode, 1009);
  await client.until(() => reason, "the disconnect");
  assert.equal(reason, "transport error");
  assert.equal(started.server.stats().oversized, 1);
});

Deno.test("the limit counts bytes, and all fragments", async () => {
  await using started = await startServer({ maxPayloadBytes: MAX_PAYLOAD });
  await using wide = await WireClient.open(started.port);
  await wide.send(`42["e","${"ü".repeat(MAX_PAYLOAD / 2)}"]`);
  await wide.until(() => wide.closeCode === 1009, "1009 for bytes");
  await using parts = await WireClient.open(started.port);
  await parts.send(`42["e","${"x".repeat(MAX_PAYLOAD / 2)}`, { fin: false });
  await parts.send("x".repeat(MAX_PAYLOAD / 2), { opcode: 0, fin: false });
  await parts.send('x"]', { opcode: 0, fin: true });
  await parts.until(() => parts.closeCode === 1009, "1009 for fragments");
});

const faults: [string, string | Uint8Array, FrameOptions][] = [
  ["invalid UTF-8", new Uint8Array([0x34, 0xc3, 0x28]), {}],
  ["reserved bits", "2", { reserved: 4 }],
  ["no mask", "2", { masked: false }],
  ["an unknown opcode", "2", { opcode: 11 }],
  ["a continuation of nothing", "2", { opcode: 0 }],
  ["a ping of 126 bytes", "x".repeat(126), { opcode: 9 }],
  ["a fragmented ping", "x", { opcode: 9, fin: false }],
  ["an Engine.IO packet of no type", "9", {}],
  ["a Socket.IO packet of no type", "49", {}],
  ["a Socket.IO packet that isn't JSON", "42[", {}],
  ["an event without a name", "42[{}]", {}],
  ["attachments without end", '4599999999999-["a"]', {}],
];
for (const [name, payload, options] of faults) {
  Deno.test(`${name} ends that socket and no other`, async () => {
    await using started = await startServer({ handshakeTimeoutMs: 400 });
    await using bystander = await WireClient.open(started.port);
    await using client = await WireClient.open(started.port);
    await client.write(frame(payload, options));
    await client.until(() => client.ended || client.closeCode, "the end");
    await client.until(() => started.server.io.engine.clientsCount === 1, "the session's end");
    await bystander.send('420["nobody listens"]');
    assert.equal(bystander.ended, false);
  });
}

Deno.test("an upgrade that never signs in is ended in time", async () => {
  await using started = await startServer({ handshakeTimeoutMs: 150 });
  await using client = await WireClient.open(started.port, { signIn: false });
  await client.until(() => client.ended, "the end");
  await until(() => started.server.stats().sockets === 0, { what: "its place to be free" });
});

Deno.test("half handshakes are refused and hold no place", async () => {
  await using started = await startServer();
  const wrong: Record<string, string>[] = [
    { "Sec-WebSocket-Key": "short" },
    { "Sec-WebSocket-Version": "99" },
    { "Sec-WebSocket-Key": "" },
  ];
  for (const headers of wrong) {
    await using client = await WireClient.connect(started.port);
    await client.upgrade({ headers });
    await client.until(() => client.ended, "the refusal");
    assert.doesNotMatch(client.head, /^HTTP\/1\.1 101/);
  }
  for (const query of ["EIO=3&transport=websocket", "transport=websocket"]) {
    await using client = await WireClient.connect(started.port);
    await client.upgrade({ path: `${PATH}/?${query}` });
    await client.until(() => client.ended, "the refusal");
    assert.match(client.head, /^HTTP\/1\.1 400 /);
  }
  await until(() => started.server.stats().sockets === 0, { what: "places to be free" });
});

Deno.test("an endless fragmented message from a stranger leaves the memory alone", async () => {
  await using started = await startServer({ handshakeTimeoutMs: 400 });
  // Memory is the whole process': what other tests take meanwhile does not come again, a leak does.
  let grownBytes = Infinity;
  for (let tries = 0; tries < 3 && grownBytes > 150e6; tries++) {
    const before = Deno.memoryUsage().rss;
    await fragmentsWithoutEnd(started.port);
    grownBytes = Deno.memoryUsage().rss - before;
    await until(() => started.server.stats().sockets === 0, { what: "the place to be free" });
  }
  assert.ok(grownBytes < 150e6, `memory grew by ${grownBytes} bytes`);
});

Deno.test("a flood is cut, a burst is not", async () => {
  await using started = await startServer({ maxPacketsPerSecond: 50 });
  let seen = 0;
  started.server.io.on("connection", (socket) => socket.onAny(() => seen++));
  await using polite = await WireClient.open(started.port);
  await using flooder = await WireClient.open(started.port);
  await polite.write(Buffer.concat(Array.from({ length: 90 }, () => frame('42["e"]'))));
  await polite.until(() => seen === 90, "the burst");
  await flooder.write(Buffer.concat(Array.from({ length: 5_000 }, () => frame('42["e"]'))));
  await flooder.until(() => flooder.ended, "the cut");
  await until(() => started.server.io.engine.clientsCount === 1, { what: "the session's end" });
  // Counted in spans of two seconds, and a slow machine may be within the second by then.
  assert.ok(seen < 90 + 2 * 101, `${seen} packets seen`);
  assert.equal(started.server.stats().floodsCut, 1);
  assert.equal(polite.ended, false);
});

Deno.test("X7: a socket that sends more bytes a second than one may is cut, a burst is not", async () => {
  await using started = await startServer({ maxPayloadBytes: 10_000, maxBytesPerSecond: 20_000 });
  let seen = 0;
  started.server.io.on("connection", (socket) => socket.onAny(() => seen++));
  await using polite = await WireClient.open(started.port);
  await using flooder = await WireClient.open(started.port);
  const message = frame(`42["e","${"x".repeat(9_000)}"]`);
  // Four messages of the largest kind, or two seconds' worth.
  await polite.write(Buffer.concat(Array.from({ length: 4 }, () => message)));
  await polite.until(() => seen === 4, "the burst");
  await flooder.write(Buffer.concat(Array.from({ length: 20 }, () => message)));
  await flooder.until(() => flooder.ended, "the cut");
  assert.ok(seen <= 4 + 2 * 5, `${seen} messages seen`);
  assert.equal(started.server.stats().floodsCut, 1);
  assert.equal(polite.ended, false);
});

Deno.test("random bytes never crash the server", async () => {
  await using started = await startServer();
  await using bystander = await WireClient.open(started.port);
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.tuple(
            fc.string({ maxLength: 50 }),
            fc.record({ opcode: fc.nat(15), fin: fc.boolean(), masked: fc.boolean() }),
          ).map(([text, options]) => frame(text, options)),
          fc.tuple(fc.constantFrom("4", "40", "42", "45", "43", "41", "3"), fc.json())
            .map(([type, json]) => frame(type + json)),
        ),
        { maxLength: 8 },
      ),
      async (pieces) => {
        await using client = await WireClient.open(started.port);
        for (const piece of pieces) await client.write(piece);
      },
    ),
    { numRuns: 60, seed: 20_261 },
  );
  assert.equal(bystander.ended, false);
  await using after = await WireClient.open(started.port);
  assert.equal(after.ended, false);
});

Deno.test("slowloris: headers that never end are cut off, however busily they drip", async () => {
  await using started = await startServer({ handshakeTimeoutMs: 200 });
  await using client = await WireClient.connect(started.port);
  client.read();
  await client.write("GET / HTTP/1.1\r\n");
  const start = performance.now();
  while (!client.ended && performance.now() - start < 30_000) {
    await client.write("X-Drip: 1\r\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(client.ended);
  assert.equal(started.server.stats().requestTimeouts, 1);
});

Deno.test("a connection that is kept alive is ended when no request follows", async () => {
  await using started = await startServer({ handshakeTimeoutMs: 200 });
  await using client = await WireClient.connect(started.port);
  client.read();
  await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await client.until(() => client.body.includes("not socket.io"), "the answer");
  await client.until(() => client.ended, "the end");
});

Deno.test("polling: a body over the limit gets 413", async () => {
  await using started = await startServer({ maxPayloadBytes: 1_000 });
  const url = `${started.url}${PATH}/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1));
  const answer = await fetch(`${url}&sid=${sid}`, {
    method: "POST",
    body: "4" + "x".repeat(2_000),
  });
  assert.equal(answer.status, 413);
  await answer.body?.cancel();
});

Deno.test("polling: a body that never ends is cut off, and its session ends", async () => {
  await using started = await startServer({ bodyTimeoutMs: 200 });
  const path = `${PATH}/?EIO=4&transport=polling`;
  const { sid } = JSON.parse(
    (await (await fetch(`http://127.0.0.1:${started.port}${path}`)).text()).slice(1),
  );
  await using client = await WireClient.connect(started.port);
  client.read();
  await client.write(`POST ${path}&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n`);
  const start = performance.now();
  while (!client.ended && performance.now() - start < 30_000) {
    await client.write("4");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(client.ended);
  await until(() => started.server.io.engine.clientsCount === 0, { what: "the session's end" });
  assert.equal(started.server.stats().requestTimeouts, 1);
});
