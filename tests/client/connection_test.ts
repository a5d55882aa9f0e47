import assert from "node:assert/strict";
import { connect } from "../../lib/client/connect.ts";
import { ClientError } from "../../lib/client/errors.ts";
import { signUp, startServer } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

Deno.test("D4: what the server would cut the connection for is not sent, and the connection stays", async () => {
  await using app = await startServer({ WEBSOCKET_MAX_PAYLOAD: "100000" });
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  const { connection } = client;
  const before = connection.sessionId;
  const isTooLarge = (thrown: unknown) =>
    thrown instanceof ClientError && thrown.code === "too_large";
  const payload = { document_id: "note:n", update: new Array(60_000).fill(7) };
  assert.throws(() => connection.send("ydoc:document:update", payload), isTooLarge);
  await assert.rejects(connection.ask("ydoc:document:update", payload), isTooLarge);
  await connection.ask("heartbeat", {});
  assert.equal(connection.sessionId, before);
});

Deno.test("D4: before the server has said how much it takes, little is not too much", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const connection = connect({ url: app.url, token: ada.token });
  const codes = new Set<string>();
  const isSaid = () =>
    connection.ask("heartbeat", {}).then(() => true, (thrown) => void codes.add(thrown.code));
  try {
    await until(isSaid, { what: "the connection", everyMs: 0 });
    assert.deepEqual([...codes], ["offline"]);
  } finally {
    connection.close();
    await until(() => connection.isIdle);
  }
});

Deno.test("a refusal is thrown with the server's code", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  await assert.rejects(
    client.connection.ask("chat:resume", { chat_id: "nobodys" }),
    (thrown) => thrown instanceof ClientError && thrown.code === "not_found",
  );
});

Deno.test("a token that does not count signs out; a good one goes on", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const connection = connect({ url: app.url, token: "no token at all" });
  try {
    await until(() => connection.status.state === "signed_out", { what: "the refusal" });
    assert.ok(connection.status.reason);
    connection.useToken(ada.token);
    await until(() => connection.status.state === "online", { what: "the connection" });
  } finally {
    connection.close();
    await until(() => connection.isIdle);
  }
});

Deno.test("signing out elsewhere ends the connection, with the reason, and it stays ended", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  const states: string[] = [];
  client.connection.onStatus(({ state }) => states.push(state));
  await ada.json("POST", "/api/v1/auths/signout");
  await until(() => client.connection.status.state === "signed_out", { what: "the sign-out" });
  assert.match(client.connection.status.reason ?? "", /signed out/i);
  assert.deepEqual(states, ["online", "signed_out"]);
});

Deno.test("a renewed token takes over without a break", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  const before = client.connection.sessionId;
  let joins = 0;
  client.connection.onOnline(() => joins++);
  client.connection.useToken(ada.token);
  await until(() => joins === 1, { what: "the renewed session" });
  assert.equal(client.connection.sessionId, before);
});

Deno.test("heartbeats are sent by themselves", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using _client = await libraryClient({
    url: app.url,
    token: ada.token,
    heartbeatEveryMs: 20,
  });
  const heard = () => app.sockets.dispatcher.stats().events.get("heartbeat") ?? 0;
  await until(() => heard() >= 3, { what: "three heartbeats" });
});

Deno.test("without a connection nothing is kept for later: it is said at once", async () => {
  const connection = connect({ url: "http://127.0.0.1:1", token: "any" });
  try {
    assert.equal(connection.send("heartbeat", {}), false);
    await assert.rejects(
      connection.ask("heartbeat", {}),
      (thrown) => thrown instanceof ClientError && thrown.code === "offline",
    );
    await until(() => connection.status.state === "offline", { what: "the light" });
  } finally {
    connection.close();
    await until(() => connection.isIdle);
  }
});

Deno.test("a connection that was closed is idle once its WebSocket has gone, too", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using network = new TcpProxy(Number(new URL(app.url).port));
  const connection = connect({ url: `http://127.0.0.1:${network.port}`, token: ada.token });
  await connection.ready;
  // The server's word of the end is on its way for so long.
  network.delayMs = 300;
  const closedAtMs = performance.now();
  connection.close();
  await until(() => connection.isIdle, { what: "the end of the connection" });
  const tookMs = performance.now() - closedAtMs;
  assert.ok(tookMs >= network.delayMs, `idle after ${tookMs} ms`);
});
