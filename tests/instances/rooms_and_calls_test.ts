import assert from "node:assert/strict";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { inModes } from "../support/instances.ts";

const event = { chat_id: "c", message_id: "m", data: { type: "input" as const, data: {} } };

inModes(
  ["redis", "kv", "kvconnect", "cluster"],
  "10.10: a room's members are those of all instances, whoever asks",
  async ({ apps, a }) => {
    const ada = await signUp(a.url);
    await using clients = new AsyncDisposableStack();
    for (const { url } of apps) {
      for (let i = 0; i < 3; i++) clients.use(await connect(url, ada.token));
    }
    const room = `user:${ada.id}`;
    for (const { sockets: { io } } of apps) {
      await until(async () => (await io.in(room).fetchSockets()).length === 3 * apps.length, {
        what: "all members",
      });
      const seen = (await io.in(room).fetchSockets()).map(({ data }) => JSON.stringify(data));
      assert.equal(seen.some((data) => data.includes(ada.token)), false, "a token is in a room");
    }
  },
  { servers: 3 },
);

inModes(
  ["redis", "kv", "kvconnect", "sentinel", "cluster"],
  "a session of B is asked from A: it answers, falls silent, is somebody else's, goes away",
  async ({ a, b }) => {
    const ada = await signUp(a.url);
    const eve = await signUp(a.url);
    await using client = await connect(b.url, ada.token, { reconnection: false });
    const sessionId = client.socket.id ?? "";
    const acks: ((answer: unknown) => void)[] = [];
    client.socket.on("events", (_event, ack) => acks.push(ack));
    const call = (userId: string) => a.sockets.call({ userId, sessionId, event });

    const answer = call(ada.id);
    (await until(() => acks.shift(), { what: "the question" }))({ value: "typed" });
    assert.deepEqual(await answer, { value: "typed" });

    const silent = await call(ada.id) as { error: string };
    assert.match(silent.error, /^Event call timed out\./);
    acks.length = 0;

    assert.deepEqual(await call(eve.id), { error: "Client session disconnected." });
    assert.equal(acks.length, 0, "another user's call reached the session");

    const cut = call(ada.id);
    await until(() => acks.length === 1, { what: "the question" });
    client.socket.disconnect();
    // Not the time-out's error: the disconnect itself ended the wait.
    assert.deepEqual(await cut, { error: "Client session disconnected." });
    assert.deepEqual(await call(ada.id), { error: "Client session disconnected." });
  },
  { env: { WEBSOCKET_EVENT_CALLER_TIMEOUT: "1.5" } },
);
