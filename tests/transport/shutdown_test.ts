import assert from "node:assert/strict";
import { io as connect } from "socket.io-client";
import { until } from "../support/until.ts";
import { PATH, startServer } from "./support/server.ts";
import { WireClient } from "./support/wire_client.ts";

Deno.test("O13: clients get what was sent before the end, and no word that they are unwanted", async () => {
  const started = await startServer({ transports: "websocket" });
  await using client = await WireClient.open(started.port);
  for (let part = 0; part < 8; part++) started.server.io.emit("part", "words".repeat(10_000));
  started.server.io.emit("last", "words".repeat(10_000));
  const closed = started.server.close({ timeoutMs: 10_000 });
  await client.until(() => client.ended, "the end");
  await client[Symbol.asyncDispose]();
  await closed;
  assert.ok(client.texts.some((text) => text.startsWith('42["last"')));
  assert.ok(!client.texts.includes("41"), "a DISCONNECT keeps official clients away for good");
  assert.equal(client.closeCode, undefined, "Java's takes a close frame for no end");
  await assert.rejects(WireClient.connect(started.port));
  assert.equal(started.server.stats().sockets, 0);
});

Deno.test("a client that never answers doesn't hold the server", async () => {
  const started = await startServer({ transports: "websocket" });
  await using client = await WireClient.connect(started.port);
  client.pauseAfter((texts) => texts.length > 0);
  await client.upgrade();
  await client.until(() => client.isPaused, "the handshake");
  await using idle = await WireClient.connect(started.port);
  idle.read();
  await idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await idle.until(() => idle.body.includes("not socket.io"), "the answer");
  await started.server.close({ timeoutMs: 300 });
  client.resume();
  await client.until(() => client.ended && idle.ended, "both to end");
});

Deno.test("O12: stopAccepting() turns new sockets away, leaves the old ones be, and serves HTTP", async () => {
  await using started = await startServer({ transports: "websocket" });
  started.server.io.on("connection", (socket) => socket.on("echo", (value, ack) => ack(value)));
  await using client = await WireClient.open(started.port);
  started.server.stopAccepting();
  const late = connect(started.url, { path: PATH, transports: ["websocket"], reconnection: false });
  const refused = Promise.withResolvers<Error>();
  late.on("connect_error", refused.resolve);
  assert.match(String(await refused.promise), /websocket error/);
  assert.equal(await (await fetch(started.url)).text(), "not socket.io");
  await client.send('427["echo",1]');
  await client.until(() => client.texts.includes("437[1]"), "the ack");
});

Deno.test("a polling client hears the end too", async () => {
  const started = await startServer({ transports: "polling" });
  const client = connect(started.url, {
    path: PATH,
    transports: ["polling"],
    reconnection: false,
  });
  let reason = "";
  client.on("disconnect", (why) => reason = why);
  await until(() => client.connected, { what: "the connection" });
  // Between two polls a client can be told nothing, and finds the port closed.
  const [connection] = started.server.io.sockets.sockets.values();
  const isPolling = () => connection?.conn.transport.writable === true;
  await until(isPolling, { what: "a poll that waits" });
  await started.server.close({ timeoutMs: 10_000 });
  await until(() => reason, { what: "the end" });
  assert.equal(reason, "transport close");
  assert.equal(started.server.io.engine.clientsCount, 0, "a session waits for another poll");
  client.disconnect();
});

Deno.test("close() of a server that never listened returns", async () => {
  const started = await startServer();
  await started.server.close({ timeoutMs: 500 });
  await started.server.close({ timeoutMs: 500 });
});
