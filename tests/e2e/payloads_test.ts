import assert from "node:assert/strict";
import fc from "fast-check";
import { seedOf } from "../support/say.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../transport/support/wire_client.ts";

const portOf = (url: string) => Number(new URL(url).port);

Deno.test("any JSON as the payload of any event is answered, and never with a stack trace", async () => {
  await using app = await startServer({ MAX_EVENTS_PER_SECOND: "100000" });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  // What the engine's own names mean is the engine's to say.
  const reserved = ["connect", "connect_error", "disconnect", "disconnecting", "newListener"];
  const name = fc.oneof(
    fc.constantFrom(
      ...["user-join", "heartbeat", "usage", "join-channels", "join-note", "events:channel"],
      ...["events:chat", "chat:resume", "ydoc:document:join", "ydoc:document:state"],
      ...["ydoc:document:update", "ydoc:document:leave", "ydoc:awareness:update", "a:b:c"],
    ),
    fc.string().filter((text) => ![...reserved, "removeListener"].includes(text)),
  );
  const nearly = fc.record({
    auth: fc.oneof(fc.record({ token: fc.jsonValue() }), fc.jsonValue()),
    chat_id: fc.jsonValue(),
    document_id: fc.jsonValue(),
    model: fc.jsonValue(),
    data: fc.oneof(fc.record({ type: fc.jsonValue() }), fc.jsonValue()),
    update: fc.oneof(fc.uint8Array(), fc.jsonValue()),
  }, { requiredKeys: [] });
  const payloads = fc.array(fc.oneof(fc.jsonValue(), nearly, fc.uint8Array()), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(name, payloads, async (event, args) => {
      const answer = await client.socket.timeout(30_000).emitWithAck(event, ...args);
      client.socket.emit(event, ...args);
      const text = JSON.stringify(answer);
      assert.doesNotMatch(text, /\.ts|\.js|node_modules|\bat \w+ \(/);
      if (answer.status === false) assert.notEqual(answer.error.code, "internal");
    }),
    { seed: seedOf("payloads"), numRuns: 300, endOnFailure: true },
  );
  assert.ok(client.socket.connected);
  assert.doesNotMatch(JSON.stringify(client.errors), /\.ts|\.js|node_modules|"internal"/);
  assert.equal(app.sockets.dispatcher.stats().refusals.get("internal"), undefined);
});

Deno.test("a socket that is too fast is refused event by event, others are not, and a flood is cut", async () => {
  await using app = await startServer({ MAX_EVENTS_PER_SECOND: "20" });
  const ada = await signUp(app.url);
  await using fast = await connect(app.url, ada.token, { reconnection: false });
  await using calm = await connect(app.url, ada.token);
  const beganMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => fast.socket.emitWithAck("heartbeat", {})),
  );
  const refused = answers.filter(({ error }) => error?.code === "rate_limited");
  const moreMay = 20 * (performance.now() - beganMs) / 1_000;
  assert.ok(refused.length >= 35 - moreMay, `${refused.length} refusals`);
  assert.ok(answers.length - refused.length >= 20);
  assert.deepEqual(await calm.socket.emitWithAck("heartbeat", {}), { status: true });
  await until(async () => (await fast.socket.emitWithAck("heartbeat", {})).status, {
    what: "a second's rest to be enough",
    everyMs: 100,
  });
  for (let sent = 0; sent < 1_000; sent++) fast.socket.emit("heartbeat", {});
  await until(() => !fast.socket.connected, { what: "the flood's end" });
  assert.equal(app.sockets.server.stats().floodsCut, 1);
  assert.ok(calm.socket.connected);
  await until(() => app.services.sessions.size === 1, { what: "the session's end" });
});

Deno.test("the path counts with and without its last slash, other paths do not", async () => {
  await using app = await startServer();
  for (const path of ["/ws/socket.io", "/ws/socket.io/"]) {
    const wire = await WireClient.connect(portOf(app.url));
    await using _wire = wire;
    await wire.upgrade({ path: `${path}?EIO=4&transport=websocket` });
    await wire.until(() => wire.texts.some((text) => text.startsWith("0")), "the handshake");
  }
  const wire = await WireClient.connect(portOf(app.url));
  await using _wire = wire;
  await wire.upgrade({ path: "/ws/socket.iox?EIO=4&transport=websocket" });
  await wire.until(() => wire.ended, "the refusal");
  assert.match(wire.head, /^HTTP\/1.1 404/);
});

Deno.test("ENABLE_WEBSOCKET_SUPPORT: websocket only, polling only without upgrade, or both", async (t) => {
  const table = [["true", true, false, ""], ["false", false, true, ""], [
    "both",
    true,
    true,
    "websocket",
  ]] as const;
  for (const [setting, websocket, polling, upgrades] of table) {
    await t.step(setting, async () => {
      await using app = await startServer({ ENABLE_WEBSOCKET_SUPPORT: setting });
      const response = await fetch(`${app.url}/ws/socket.io/?EIO=4&transport=polling`);
      const body = await response.text();
      assert.equal(response.ok, polling, body);
      if (polling) assert.equal(JSON.parse(body.slice(1)).upgrades.join(), upgrades);
      const wire = await WireClient.connect(portOf(app.url));
      await using _wire = wire;
      await wire.upgrade({ path: "/ws/socket.io/?EIO=4&transport=websocket" });
      await wire.until(() => wire.head !== "" || wire.ended, "an answer");
      if (websocket) await wire.until(() => wire.texts[0]?.startsWith("0"), "the handshake");
      else await wire.until(() => wire.ended || /^HTTP\/1.1 4/.test(wire.head), "the refusal");
      assert.equal(wire.texts.length > 0, websocket);
    });
  }
});

for (const transport of ["websocket", "polling"] as const) {
  Deno.test(`the payload limit is announced, and enforced: ${transport}`, async () => {
    await using app = await startServer({
      WEBSOCKET_MAX_PAYLOAD: "20000",
      ENABLE_WEBSOCKET_SUPPORT: "both",
    });
    const ada = await signUp(app.url);
    await using client = await connect(app.url, ada.token, {
      transports: [transport],
      reconnection: false,
    });
    const handshake = await fetch(`${app.url}/ws/socket.io/?EIO=4&transport=polling`);
    assert.equal(JSON.parse((await handshake.text()).slice(1)).maxPayload, 20_000);
    const big = { model: "x".repeat(15_000) };
    const answer = await client.socket.emitWithAck("usage", big);
    assert.equal(answer.error.code, "invalid_payload");
    client.socket.emit("usage", { model: "x".repeat(30_000) });
    await until(() => !client.socket.connected, { what: "the end of who sends too much" });
    await until(() => app.services.sessions.size === 0, { what: "the session's end" });
    if (transport === "websocket") assert.equal(app.sockets.server.stats().oversized, 1);
  });
}

Deno.test("a session that uses too many models at once is told so", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const use = (model: string) => client.socket.emitWithAck("usage", { model });
  for (let at = 0; at < 16; at++) assert.deepEqual(await use(`model ${at}`), { status: true });
  assert.equal((await use("one more")).error.code, "rate_limited");
  assert.deepEqual(await use("model 0"), { status: true });
});
