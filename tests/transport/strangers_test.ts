import assert from "node:assert/strict";
import type { SocketServerOptions } from "../../lib/transport/socket_server.ts";
import { until } from "../support/until.ts";
import { PATH, startServer } from "./support/server.ts";
import { WireClient } from "./support/wire_client.ts";

const STRANGERS = { maxConnections: 3, maxPayloadBytes: 2_000, timeoutMs: 60_000 };

/** A server on which whoever sends `sign-in` is no stranger any more. */
async function startDoor(options: Partial<SocketServerOptions> = {}) {
  const started = await startServer({ strangers: STRANGERS, ...options });
  const { io } = started.server;
  io.on("connection", (socket) => {
    socket.on("sign-in", (ack) => ack(started.server.welcome(socket)));
    socket.on("big", (text: string, ack) => ack(text.length));
  });
  return started;
}

async function signIn(client: WireClient): Promise<string | undefined> {
  await client.send('421["sign-in"]');
  await client.until(() => client.texts.some((text) => text.startsWith("431")), "the ack");
  return client.texts.find((text) => text.startsWith("431"));
}

Deno.test("X6: a stranger is ended in time, who has signed in stays, and an honest client comes back", async () => {
  await using started = await startDoor({ strangers: { ...STRANGERS, timeoutMs: 1_000 } });
  await using friend = await WireClient.open(started.port);
  assert.equal(await signIn(friend), "431[true]");
  await using stranger = await WireClient.open(started.port);
  await stranger.until(() => stranger.ended, "the stranger's end");
  // No DISCONNECT packet: to the official clients that would be the end for good.
  assert.ok(!stranger.texts.includes("41"));
  assert.equal(friend.ended, false);
  assert.deepEqual([started.server.stats().strangers, started.server.stats().sockets], [0, 1]);
  assert.equal(started.server.stats().strangersCut, 1);
});

Deno.test("X6: when strangers have taken all their places, the oldest makes room", async () => {
  await using started = await startDoor({ maxConnections: 2 });
  const idle: WireClient[] = [];
  try {
    for (let count = 0; count < 5; count++) idle.push(await WireClient.open(started.port));
    await until(() => idle[0]?.ended && idle[1]?.ended, { what: "the two oldest to go" });
    assert.deepEqual(idle.slice(2).map(({ ended }) => ended), [false, false, false]);
    await using friend = await WireClient.open(started.port);
    assert.equal(await signIn(friend), "431[true]");
    await using other = await WireClient.open(started.port);
    assert.equal(await signIn(other), "431[true]");
    // The places of those who have signed in are full: now nobody is let in.
    await using late = await WireClient.connect(started.port);
    await late.upgrade();
    await late.until(() => late.ended, "the refusal");
    assert.match(late.head, /^HTTP\/1\.1 503 /);
    assert.equal(started.server.stats().refusals.connections, 1);
  } finally {
    for (const client of idle) await client[Symbol.asyncDispose]();
  }
});

Deno.test("X6: strangers of one address make room for its others, and never for more than it may have", async () => {
  await using started = await startDoor({ maxConnectionsPerAddress: 2 });
  await using first = await WireClient.open(started.port);
  await using second = await WireClient.open(started.port);
  assert.equal(await signIn(second), "431[true]");
  await using third = await WireClient.open(started.port);
  await first.until(() => first.ended, "the stranger to make room");
  assert.equal(await signIn(third), "431[true]");
  await using late = await WireClient.connect(started.port);
  await late.upgrade();
  await late.until(() => late.ended, "the refusal");
  assert.match(late.head, /^HTTP\/1\.1 429 /);
});

Deno.test("X5: a stranger's packet is small, by both transports; afterwards the ordinary limit holds", async () => {
  await using started = await startDoor();
  const big = (bytes: number) => `422["big","${"x".repeat(bytes)}"]`;
  await using stranger = await WireClient.open(started.port);
  await stranger.send(big(3_000));
  await stranger.until(() => stranger.closeCode, "the refusal");
  assert.equal(stranger.closeCode, 1009);

  await using friend = await WireClient.open(started.port);
  await signIn(friend);
  await friend.send(big(50_000));
  await friend.until(() => friend.texts.includes("432[50000]"), "the answer");

  const polling = `${started.url}${PATH}/?EIO=4&transport=polling`;
  const opened = await (await fetch(polling)).text();
  const { sid } = JSON.parse(opened.slice(1));
  const say = async (text: string) => {
    const response = await fetch(`${polling}&sid=${sid}`, { method: "POST", body: text });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await say("40"), 200);
  assert.equal(await say(big(3_000)), 413);
});

Deno.test("X5: what is nested too deeply is refused before it is parsed, of anybody", async () => {
  await using started = await startDoor({ maxPayloadBytes: 10_000_000 });
  let parsed = 0;
  started.server.io.on("connection", (socket) => socket.on("deep", () => parsed++));
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  await using client = await WireClient.open(started.port);
  await signIn(client);
  // The event's own array is a level, too.
  await client.send(`42["deep",${nested(255)}]`);
  await client.until(() => parsed === 1, "what is nested as deep as it may be");
  for (const depth of [256, 3_000_000]) {
    await using deep = await WireClient.open(started.port);
    await deep.send(`42["deep",${nested(depth)}]`);
    await deep.until(() => deep.ended || deep.closeCode, "the end");
  }
  assert.equal(parsed, 1);
  assert.equal(client.ended, false);
});
