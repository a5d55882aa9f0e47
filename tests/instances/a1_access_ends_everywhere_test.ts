import assert from "node:assert/strict";
import { connect, type Person, signUp } from "../support/server.ts";
import { forgeToken, nowSeconds } from "../e2e/support/tokens.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";
import { inModes } from "../support/instances.ts";

inModes(
  ["redis", "kv", "kvconnect", "sentinel", "cluster"],
  "A1: who is revoked, demoted, deleted at A, or expires, is out at B, and told",
  async ({ a, b }) => {
    const admin = await signUp(a.url);
    const ways: [name: string, does: (person: Person) => Promise<unknown>][] = [
      ["signed out", (person) => person.json("POST", "/api/v1/auths/signout")],
      [
        "demoted",
        ({ id }) => admin.json("POST", `/api/v1/users/${id}/update`, { role: "pending" }),
      ],
      ["deleted", ({ id }) => admin.json("DELETE", `/api/v1/users/${id}`)],
    ];
    await using bystander = await connect(b.url, admin.token);
    for (const [name, does] of ways) {
      const person = await signUp(a.url);
      await using client = await connect(b.url, person.token, { reconnection: false });
      await client.socket.emitWithAck("heartbeat", {});
      const began = performance.now();
      await does(person);
      await until(() => !client.socket.connected, { what: `${name} to be out` });
      say(`A1: ${name}: out after ${Math.round(performance.now() - began)} ms`);
      assert.deepEqual(client.errors.map(({ event, code }) => [event, code]), [
        ["session", "unauthenticated"],
      ], `${name} was told`);
      await using back = await connect(b.url, person.token, { reconnection: false });
      const refused = await back.socket.emitWithAck("heartbeat", {});
      assert.equal(refused.error?.code, "unauthenticated", `${name} stays out`);
    }
    const person = await signUp(a.url);
    const exp = nowSeconds() + 6;
    const token = await forgeToken({
      id: person.id,
      jti: crypto.randomUUID(),
      iat: nowSeconds(),
      exp,
    });
    await using client = await connect(b.url, token, { reconnection: false });
    assert.notEqual((await client.socket.emitWithAck("heartbeat", {}))?.status, false);
    await until(() => !client.socket.connected, { what: "the expiry" });
    const lateMs = Date.now() - exp * 1_000;
    assert.ok(lateMs > -50, `out ${-lateMs} ms before the expiry`);
    assert.equal(bystander.socket.connected, true, "somebody else was put out");
  },
);
