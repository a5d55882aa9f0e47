import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { type Client, connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { inModes } from "../support/instances.ts";
import { RoundRobin } from "../support/round_robin.ts";

inModes(
  ["redis", "kv", "kvconnect"],
  "A3: behind a round robin, websocket works on every instance; polling is told what is missing",
  async ({ a, b, apps }) => {
    const ports = apps.map(({ url }) => Number(new URL(url).port));
    await using balancer = new RoundRobin(ports);
    const ada = await signUp(a.url);
    await using clients = new AsyncDisposableStack();
    const all: Client[] = [];
    for (let i = 0; i < 6; i++) all.push(clients.use(await connect(balancer.url, ada.token)));
    for (const { sockets } of [a, b]) assert.equal(sockets.io.sockets.sockets.size, 3);
    const event = { chat_id: "c", message_id: "m", data: { type: "chat:list" as const } };
    a.sockets.toUser(ada.id, event);
    await until(() => all.every(({ events }) => events.length === 1), { what: "the event" });

    const polling = `${a.url}/ws/socket.io/?EIO=4&transport=polling`;
    const handshake = await (await fetch(polling)).text();
    const { sid } = JSON.parse(handshake.slice(1)) as { sid: string };
    const elsewhere = await fetch(polling.replace(a.url, b.url) + `&sid=${sid}`);
    assert.equal(elsewhere.status, 400);
    assert.deepEqual(await elsewhere.json(), { code: 1, message: "Session ID unknown" });
    const here = await fetch(`${polling}&sid=${sid}`, { method: "POST", body: "1" });
    assert.equal(here.status, 200, "the session's own instance still knows it");
    await here.body?.cancel();

    const refused = Promise.withResolvers<Error & { description?: number }>();
    const client = io(balancer.url, {
      path: "/ws/socket.io",
      transports: ["polling"],
      forceNew: true,
      reconnection: false,
      extraHeaders: { connection: "close" },
    });
    client.once("connect_error", refused.resolve);
    client.once("disconnect", () => refused.resolve(new Error("cut")));
    const fault = await refused.promise;
    assert.match(fault.message, /xhr p|cut/);
    client.disconnect();
  },
  { env: { ENABLE_WEBSOCKET_SUPPORT: "both" } },
);
