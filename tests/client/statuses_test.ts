/** How a connection comes to be, and why it is not: each reason has its own code. */
import assert from "node:assert/strict";
import { connect } from "../../lib/client/connect.ts";
import type { ConnectionStatus } from "../../lib/client/connection.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

async function endOf(connection: ReturnType<typeof connect>): Promise<void> {
  connection.close();
  await until(() => connection.isIdle, { what: "the end of the connection" });
}

Deno.test("C7: a token that expired, one that is wrong, and an account that waits are told apart", async (t) => {
  await using app = await startServer({ DEFAULT_USER_ROLE: "pending", JWT_EXPIRES_IN: "4s" });
  const admin = await signUp(app.url);
  await t.step("expired", async () => {
    const connection = connect({ url: app.url, token: admin.token });
    await connection.ready;
    await until(() => connection.status.state === "signed_out", { what: "the token's end" });
    assert.equal(connection.status.code, "token_expired");
    await endOf(connection);
    const late = connect({ url: app.url, token: admin.token });
    await assert.rejects(late.ready, { code: "token_expired" });
    await endOf(late);
  });
  await t.step("wrong", async () => {
    const connection = connect({ url: app.url, token: "x.y.z" });
    await assert.rejects(connection.ready, { code: "unauthenticated" });
    assert.deepEqual(
      [connection.status.state, connection.status.code],
      ["signed_out", "unauthenticated"],
    );
    await endOf(connection);
  });
  await t.step("pending", async () => {
    const { token } = await signUp(app.url);
    const connection = connect({ url: app.url, token });
    await assert.rejects(connection.ready, { code: "forbidden" });
    await endOf(connection);
  });
});

Deno.test("a function gives the token, and another one when that has ended", async () => {
  await using app = await startServer({ JWT_EXPIRES_IN: "4s" });
  const connection = connect({
    url: app.url,
    reconnectionDelayMs: 20,
    token: async () => (await signUp(app.url)).token,
  });
  const states: ConnectionStatus["state"][] = [];
  connection.onStatus(({ state }) => states.push(state));
  await connection.ready;
  const first = connection.user?.id;
  await until(() => connection.user?.id !== first, { what: "the other token" });
  assert.equal(states.includes("signed_out"), false, states.join());
  await endOf(connection);
});

Deno.test("C2: each status is an object of its own, and the same until it changes", async () => {
  await using app = await startServer();
  const { token } = await signUp(app.url);
  const connection = connect({ url: app.url, token });
  const first = connection.snapshot;
  assert.equal(connection.snapshot, first);
  let changes = 0;
  const off = connection.subscribe(() => changes++);
  await connection.ready;
  assert.notEqual(connection.snapshot, first);
  assert.deepEqual([first.state, connection.snapshot.state], ["connecting", "online"]);
  assert.ok(changes > 0);
  off();
  await endOf(connection);
});
