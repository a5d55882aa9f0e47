import assert from "node:assert/strict";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

Deno.test("X6: who has no session is sent away in time, comes back by itself, and may still sign in", async () => {
  await using app = await startServer({ WEBSOCKET_STRANGER_TIMEOUT: "1.2" });
  const ada = await signUp(app.url);
  await using signedIn = await connect(app.url, ada.token);
  // Open WebUI's page: connected before anybody has signed in, `user-join` afterwards.
  await using page = await connect(app.url, undefined, {
    reconnectionDelay: 50,
    reconnectionDelayMax: 50,
  });
  const reasons: string[] = [];
  page.socket.on("disconnect", (reason) => reasons.push(reason));
  await until(() => reasons.length > 0, { what: "the stranger to be sent away" });
  // Not the server's DISCONNECT, after which the official client would not come back.
  assert.equal(reasons[0], "transport close");
  const answer = await page.socket.emitWithAck("user-join", { auth: { token: ada.token } });
  assert.equal(answer.id, ada.id);
  const before = reasons.length;
  await until(() => app.sockets.server.stats().strangers === 0, { what: "no stranger to be left" });
  await new Promise((done) => setTimeout(done, 2_000));
  assert.equal(reasons.length, before, "who has signed in stays");
  assert.ok(signedIn.socket.connected && page.socket.connected);
});

Deno.test("X6: strangers who take all places of an address keep nobody out who has a token", async () => {
  await using app = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: "8" });
  const ada = await signUp(app.url);
  await using strangers = new AsyncDisposableStack();
  for (let count = 0; count < 8; count++) {
    strangers.use(await connect(app.url, undefined, { reconnection: false }));
  }
  for (let count = 0; count < 4; count++) {
    strangers.use(await connect(app.url, ada.token, { reconnection: false }));
  }
  await until(() => app.services.sessions.size === 4, { what: "four sessions" });
  const { strangers: left, refusals } = app.sockets.server.stats();
  assert.deepEqual([left, refusals.connections_per_address], [4, 0]);
});

Deno.test("X5: a stranger may say little: events beyond that end the socket, and are not answered", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using friend = await connect(app.url, ada.token);
  await using stranger = await connect(app.url, undefined, { reconnection: false });
  for (let count = 0; count < 200; count++) stranger.socket.emit("heartbeat", {});
  await until(() => !stranger.socket.connected, { what: "the end" });
  assert.ok(stranger.errors.length <= 110, `${stranger.errors.length} answers`);
  for (let count = 0; count < 200; count++) friend.socket.emit("heartbeat", {});
  assert.deepEqual(await friend.socket.emitWithAck("heartbeat", {}), { status: true });
});

Deno.test("X5: a stranger's packet of megabytes is refused before it is read", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using stranger = await connect(app.url, undefined, { reconnection: false });
  stranger.socket.emit("user-join", { auth: { token: "x".repeat(1_000_000) } });
  await until(() => !stranger.socket.connected, { what: "the end" });
  assert.equal(app.sockets.server.stats().oversized, 1);
  await using friend = await connect(app.url, ada.token);
  const large = { chat_id: "c", data: { type: "x", data: "x".repeat(1_000_000) } };
  const answer = await friend.socket.emitWithAck("chat-events", large);
  assert.equal(answer.status !== undefined || answer.error !== undefined, true);
});
