import assert from "node:assert/strict";
import { connect as connectClient } from "../../lib/client/connect.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

Deno.test("our own client refuses what is over the announced limit before it sends, and stays connected", async () => {
  await using app = await startServer({ WEBSOCKET_MAX_PAYLOAD: "20000" });
  const ada = await signUp(app.url);
  using client = connectClient({ url: app.url, token: ada.token });
  let timesOnline = 0;
  client.onOnline(() => timesOnline++);
  await until(() => client.status.state === "online", { what: "the session" });
  const large = { model: "x".repeat(20_001) };
  await assert.rejects(client.ask("usage", large), { code: "too_large" });
  assert.throws(() => client.send("usage", large), { code: "too_large" });
  // Two bytes of UTF-8 each: what counts is bytes, not characters.
  await assert.rejects(client.ask("usage", { model: "é".repeat(15_000) }), { code: "too_large" });
  assert.deepEqual(await client.ask("heartbeat", {}), { status: true });
  assert.equal(timesOnline, 1, "the client has lost its connection");
  assert.equal(app.sockets.server.stats().oversized, 0);
  client.close();
  await until(() => app.services.sessions.size === 0, { what: "the session's end" });
});
