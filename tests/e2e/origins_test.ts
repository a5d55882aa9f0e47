import assert from "node:assert/strict";
import { connect, signUp, startServer } from "../support/server.ts";
import { WireClient } from "../transport/support/wire_client.ts";

const ALLOWED = "https://chat.example.com";

/** Origin → who gets in with `CORS_ALLOW_ORIGIN` unset, set to one origin, and `*`. */
const TABLE: [origin: string | undefined, unset: boolean, one: boolean, any: boolean][] = [
  [undefined, true, true, true],
  ["self", true, true, true],
  [ALLOWED, false, true, true],
  ["https://chat.example.com.evil.test", false, false, true],
  ["https://evil.test", false, false, true],
  ["http://chat.example.com", false, false, true],
  ["https://chat.example.com:8443", false, false, true],
  ["null", false, false, true],
];
const SETTINGS = [[{}, 1], [{ CORS_ALLOW_ORIGIN: ALLOWED }, 2], [
  { CORS_ALLOW_ORIGIN: "*" },
  3,
]] as const;

async function websocketAnswer(url: string, origin: string | undefined): Promise<string> {
  const { port, host } = new URL(url);
  await using wire = await WireClient.connect(Number(port));
  const headers: Record<string, string> = { Host: host };
  if (origin !== undefined) headers.Origin = origin;
  await wire.upgrade({ path: "/ws/socket.io/?EIO=4&transport=websocket", headers });
  await wire.until(() => wire.head !== "" || wire.ended, "an answer");
  return wire.head.split("\r\n", 1)[0] ?? "";
}

Deno.test("A2: only configured origins get in, by WebSocket and by polling", async () => {
  for (const [setting, column] of SETTINGS) {
    await using app = await startServer({ ENABLE_WEBSOCKET_SUPPORT: "both", ...setting });
    for (const row of TABLE) {
      const origin = row[0] === "self" ? new URL(app.url).origin : row[0];
      const what = `${origin} with ${JSON.stringify(setting)}`;
      assert.match(
        await websocketAnswer(app.url, origin),
        row[column] ? /^HTTP\/1.1 101/ : /^HTTP\/1.1 403/,
        `WebSocket: ${what}`,
      );
      const polling = await fetch(`${app.url}/ws/socket.io/?EIO=4&transport=polling`, {
        headers: { ...(origin !== undefined && { origin }) },
      });
      await polling.body?.cancel();
      assert.equal(polling.status, row[column] ? 200 : 403, `polling: ${what}`);
    }
  }
});

Deno.test("A3: a polling request of a session that another instance holds gets a clear answer", async () => {
  await using one = await startServer({ ENABLE_WEBSOCKET_SUPPORT: "both" });
  await using two = await startServer({ ENABLE_WEBSOCKET_SUPPORT: "both" });
  const open = await fetch(`${one.url}/ws/socket.io/?EIO=4&transport=polling`);
  const { sid } = JSON.parse((await open.text()).slice(1));
  const lost = await fetch(`${two.url}/ws/socket.io/?EIO=4&transport=polling&sid=${sid}`);
  assert.equal(lost.status, 400);
  assert.match((await lost.json()).message, /session id unknown/i);
  const ada = await signUp(two.url);
  await using client = await connect(two.url, ada.token, { transports: ["polling"] });
  assert.deepEqual(await client.socket.emitWithAck("heartbeat", {}), { status: true });
});
