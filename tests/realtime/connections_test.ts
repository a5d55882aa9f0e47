import assert from "node:assert/strict";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { systemClock } from "../../lib/common/clock.ts";
import type { SessionUser } from "../../lib/protocol/user.ts";
import { Connections } from "../../lib/realtime/connections.ts";
import { Dispatcher } from "../../lib/realtime/dispatcher.ts";
import { until } from "../support/until.ts";
import { startRealtime } from "./fixture.ts";

/** Sessions whose tokens are names of users; who is in `ended` counts no more. */
async function openConnections() {
  const state = {
    ended: new Set<string>(),
    isAway: false,
    asked: 0,
    /** Called once a token was verified, before the answer is there. */
    onVerify: () => {},
  };
  const open = new Set<string>();
  let connections: Connections | undefined;
  const fixture = await startRealtime((io) => {
    const dispatcher = new Dispatcher({
      events: {},
      eventsPerSecond: 1_000,
      clock: systemClock,
      logger: silentLogger,
    });
    connections = new Connections({
      io,
      logger: silentLogger,
      nowMs: () => systemClock.nowMs(),
      verify(token) {
        if (state.ended.has(token)) throw new AppError("unauthenticated", "no");
        const user = { id: token } as SessionUser;
        const verified = {
          ...{ user, jti: undefined, exp: undefined, iat: undefined },
          stillCounts() {
            state.asked++;
            if (state.isAway) return Promise.reject(new Error("the store is away"));
            return Promise.resolve(!state.ended.has(token));
          },
        };
        state.onVerify();
        return Promise.resolve(verified);
      },
      welcome: () => true,
      pool: {
        add(sid) {
          open.add(sid);
          return Promise.resolve();
        },
        remove: (sid) => open.delete(sid),
      },
    });
    connections.listen(dispatcher);
  });
  assert.ok(connections);
  const made = connections;
  return {
    ...{ state, open, connections: made },
    connect: (token: string) => fixture.connect({ token }),
    async [Symbol.asyncDispose]() {
      made[Symbol.dispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

Deno.test("M, A1: access that ends while a token is verified ends the session that it opens", async () => {
  await using given = await openConnections();
  const { state, connections, open } = given;
  // Verified, and then revoked and told before the socket is in its user's room: nobody is found there.
  state.onVerify = () => {
    state.ended.add("ada");
    connections.closeUser("ada", "revoked");
  };
  const ada = await given.connect("ada");
  await until(() => !ada.connected, { what: "the access epoch to be looked at" });
  assert.equal(open.size, 0);
});

Deno.test("a session whose token was verified in the same epoch costs no further question", async () => {
  await using given = await openConnections();
  await given.connect("ada");
  await until(() => given.open.size === 1, { what: "the session" });
  assert.equal(given.state.asked, 0);
});

Deno.test("A1: after a gap every session is asked for; while the store can't tell all stay", async () => {
  await using given = await openConnections();
  const { state, connections } = given;
  const [ada, bob] = [await given.connect("ada"), await given.connect("bob")];
  await until(() => given.open.size === 2, { what: "both sessions" });
  state.isAway = true;
  state.ended.add("bob");
  await connections.recheck();
  await until(() => state.asked >= 6, { what: "the store to be asked again" });
  assert.ok(ada.connected && bob.connected);
  state.isAway = false;
  await until(() => !bob.connected, { what: "bob's session to end" });
  assert.ok(ada.connected);
});
