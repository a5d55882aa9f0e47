import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { io as connect } from "socket.io-client";
import { until } from "../support/until.ts";
import { PATH, startServer } from "./support/server.ts";
import { WireClient } from "./support/wire_client.ts";

Deno.test("the handshake announces sid, pings and the payload limit", async () => {
  await using started = await startServer({ transports: "websocket" });
  await using client = await WireClient.open(started.port);
  const open = JSON.parse(client.texts[0]?.slice(1) ?? "");
  assert.deepEqual({ ...open, sid: typeof open.sid }, {
    sid: "string",
    upgrades: [],
    pingInterval: 25_000,
    pingTimeout: 20_000,
    maxPayload: 100_000,
  });
  assert.match(client.texts[1] ?? "", /^40\{"sid":"[^"]+"\}$/);
});

for (const transports of ["websocket", "polling", "both"] as const) {
  Deno.test(`events, acks and bytes travel both ways with ${transports}`, async () => {
    await using started = await startServer({ transports });
    started.server.io.on("connection", (socket) => {
      socket.on("echo", (value, ack) => ack(value));
      socket.on("to-all", (value) => started.server.io.emit("all", value));
    });
    const client = connect(started.url, {
      path: PATH,
      transports: transports === "both" ? ["polling", "websocket"] : [transports],
      reconnection: false,
    });
    try {
      await new Promise<void>((resolve, reject) => {
        client.once("connect", () => resolve());
        client.once("connect_error", reject);
      });
      const heard: unknown[] = [];
      client.on("all", (value) => heard.push(value));
      const sent = { text: "grüße 🐟", bytes: new Uint8Array([1, 2, 3]) };
      const back = await client.timeout(30_000).emitWithAck("echo", sent);
      assert.equal(back.text, sent.text);
      assert.deepEqual([...new Uint8Array(back.bytes)], [1, 2, 3]);
      for (const length of [0, 100, 126, 200, 65_600, 90_000]) {
        const got = () => new Promise((resolve) => client.once("all", resolve));
        const text = got();
        client.emit("to-all", "ü".repeat(length / 2));
        assert.equal(await text, "ü".repeat(length / 2));
        // One attachment goes with its event, two go by themselves; what follows comes behind.
        for (const names of length > 65_600 ? [] : length > 200 ? [["a"]] : [["a"], ["a", "b"]]) {
          const value = Object.fromEntries(names.map((name) => [name, Buffer.alloc(length, name)]));
          heard.length = 0;
          client.emit("to-all", value);
          client.emit("to-all", "behind");
          await until(() => heard.length === 2, { what: "both" });
          assert.deepEqual(heard, [value, "behind"]);
        }
        assert.equal(
          await client.timeout(30_000).emitWithAck("echo", "x".repeat(length)),
          "x".repeat(length),
        );
      }
      if (transports === "both") {
        await until(() => client.io.engine.transport.name === "websocket", { what: "upgrade" });
        assert.equal(await client.timeout(30_000).emitWithAck("echo", 7), 7);
      }
      const gone = new Promise((resolve) => client.once("disconnect", resolve));
      started.server.io.disconnectSockets();
      assert.equal(await gone, "io server disconnect");
    } finally {
      client.disconnect();
    }
  });
}

Deno.test("the server pings, and ends a socket that doesn't answer", async () => {
  await using started = await startServer({ pingIntervalMs: 60, pingTimeoutMs: 80 });
  let reason = "";
  started.server.io.on("connection", (socket) => {
    socket.on("disconnect", (why) => reason = why);
  });
  await using client = await WireClient.open(started.port);
  for (let round = 1; round <= 3; round++) {
    await client.until(
      () => client.texts.filter((text) => text === "2").length >= round,
      `ping ${round}`,
    );
    await client.send("3");
  }
  assert.equal(reason, "");
  await client.until(() => reason, "the time-out");
  assert.equal(reason, "ping timeout");
});

for (const path of [PATH, `${PATH}/`]) {
  Deno.test(`takes ${path}`, async () => {
    await using started = await startServer();
    await using client = await WireClient.connect(started.port);
    await client.upgrade({ path });
    await client.until(() => client.texts[0]?.startsWith("0{"), "the handshake");
  });
}

Deno.test("1,000 connects and disconnects leave nothing behind", async () => {
  await using started = await startServer();
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => WireClient.open(started.port)),
    );
    assert.equal(started.server.stats().sockets, 50);
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await until(() => started.server.stats().sockets === 0, { what: "all to leave" });
  }
  await until(() => started.server.stats().tcpConnections === 0, { what: "TCP to end" });
  assert.equal(started.server.io.engine.clientsCount, 0);
  assert.equal(started.server.io.of("/").adapter.rooms.size, 0);
});

Deno.test("requests beside the path go to the routes, and look-alikes too", async () => {
  await using started = await startServer();
  for (const path of ["/", "/ws/socket.iox/?EIO=4&transport=polling", "/ws", `${PATH}/deeper`]) {
    const answer = await fetch(started.url + path);
    assert.equal(await answer.text(), "not socket.io");
  }
});

Deno.test("a transport that isn't offered gets the engine's own error", async () => {
  await using started = await startServer({ transports: "websocket" });
  const answer = await fetch(`${started.url}${PATH}/?EIO=4&transport=polling`);
  assert.equal(answer.status, 400);
  assert.deepEqual(await answer.json(), { code: 0, message: "Transport unknown" });
});

Deno.test("A3: polling with a session of another instance gets a clear answer", async () => {
  await using one = await startServer();
  await using other = await startServer();
  const opened = await fetch(`${one.url}${PATH}/?EIO=4&transport=polling`);
  const { sid } = JSON.parse((await opened.text()).slice(1));
  const answer = await fetch(`${other.url}${PATH}/?EIO=4&transport=polling&sid=${sid}`);
  assert.equal(answer.status, 400);
  assert.deepEqual(await answer.json(), { code: 1, message: "Session ID unknown" });
});
