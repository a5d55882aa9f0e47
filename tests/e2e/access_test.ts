import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { rooms } from "../../lib/protocol/events.ts";
import { say } from "../support/say.ts";
import { type Client, connect, type Person, signUp, startServer } from "../support/server.ts";
import { deadline } from "../../lib/common/deadline.ts";
import { until } from "../support/until.ts";

/** What may end a user's sessions, and what they are told. */
const CHANGES: Record<
  string,
  { change(admin: Person, user: Person): Promise<number>; told: RegExp }
> = {
  "sign-out": {
    change: (_admin, user) => user.status("POST", "/api/v1/auths/signout"),
    told: /signed out/,
  },
  "a change of role": {
    change: (admin, user) =>
      admin.status("POST", `/api/v1/users/${user.id}/update`, { role: "pending" }),
    told: /role/,
  },
  "deletion": {
    change: (admin, user) => admin.status("DELETE", `/api/v1/users/${user.id}`),
    told: /no longer exists/,
  },
};

type App = Awaited<ReturnType<typeof startServer>>;

/** How many of the sessions the pool holds. */
async function inPool(app: App, sids: readonly string[]): Promise<number> {
  const sessions = await Promise.all(sids.map((sid) => app.services.sessions.get(sid)));
  return sessions.filter((session) => session !== undefined).length;
}

/** Out in time, told why before, without rooms and without a session. */
async function assertOut(
  app: App,
  clients: Client[],
  sids: readonly string[],
  userId: string,
  told: RegExp,
): Promise<void> {
  const started = performance.now();
  await until(() => clients.every(({ socket }) => !socket.connected), {
    limitMs: 10_000,
    what: "the sockets' end",
  });
  say(`A1: out after ${Math.round(performance.now() - started)} ms`);
  for (const { errors } of clients) {
    assert.equal(errors.length, 1);
    const code = /expired/.test(told.source) ? "token_expired" : "unauthenticated";
    assert.deepEqual([errors[0]?.event, errors[0]?.code], ["session", code]);
    assert.match(errors[0]?.message ?? "", told);
  }
  assert.equal(app.sockets.io.sockets.adapter.rooms.has(rooms.user(userId)), false);
  await until(async () => await inPool(app, sids) === 0, {
    what: "the pool without the sessions",
  });
}

Deno.test("A1: sign-out, a change of role and deletion put the user's sockets out in under 2 s, told why", async (t) => {
  await using app = await startServer();
  const admin = await signUp(app.url);
  await using other = await connect(app.url, admin.token);
  for (const [name, { change, told }] of Object.entries(CHANGES)) {
    await t.step(name, async () => {
      const user = await signUp(app.url);
      await using one = await connect(app.url, user.token);
      await using two = await connect(app.url, user.token);
      const sids = [one, two].map(({ socket }) => socket.id ?? "");
      await until(async () => await inPool(app, sids) === 2);
      assert.equal(await change(admin, user), 200);
      await assertOut(app, [one, two], sids, user.id, told);
      await using again = await connect(app.url, user.token);
      const refused = await again.socket.emitWithAck("heartbeat", {});
      assert.equal(refused.error.code, "unauthenticated", "the token does not count any more");
    });
  }
  assert.ok(other.socket.connected, "nobody else is put out");
  assert.deepEqual(other.errors, []);
});

Deno.test("A1: a socket does not outlive its token", async () => {
  await using app = await startServer({ JWT_EXPIRES_IN: "4s" });
  const ada = await signUp(app.url);
  const issued = performance.now();
  await using client = await connect(app.url, ada.token);
  const sid = client.socket.id ?? "";
  await until(() => !client.socket.connected, { what: "the token's end" });
  const livedMs = performance.now() - issued;
  assert.ok(livedMs > 500, `${livedMs} ms`);
  await assertOut(app, [client], [sid], ada.id, /expired/);
});

Deno.test("A1: who signs in anew before the token's end stays", async () => {
  await using app = await startServer({ JWT_EXPIRES_IN: "6s" });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  await using left = await connect(app.url, ada.token);
  const { token } = await (async () => {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    return await app.services.tokens.issue({ id: ada.id });
  })();
  await client.socket.emitWithAck("user-join", { auth: { token } });
  await until(() => !left.socket.connected, { what: "the first token's end" });
  assert.deepEqual(await client.socket.emitWithAck("heartbeat", {}), { status: true });
  assert.deepEqual(client.errors, []);
});

for (const [name, { change }] of Object.entries(CHANGES)) {
  Deno.test(`A1: ${name} that comes while a connect is being verified is not missed`, async () => {
    await using app = await startServer();
    const admin = await signUp(app.url);
    const user = await signUp(app.url);
    const { tokens } = app.services;
    const verified = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const verify = tokens.verify.bind(tokens);
    let isHeld = false;
    tokens.verify = async (token, options) => {
      const answer = await verify(token, options);
      if (token !== user.token || isHeld) return answer;
      isHeld = true;
      verified.resolve();
      await goOn.promise;
      return answer;
    };
    const socket = io(app.url, {
      path: "/ws/socket.io",
      transports: ["websocket"],
      forceNew: true,
      auth: { token: user.token },
    });
    const told: unknown[] = [];
    socket.on("error", ({ code }) => told.push(code));
    const out = new Promise((resolve) => socket.once("disconnect", resolve));
    await verified.promise;
    assert.equal(await change(admin, user), 200);
    goOn.resolve();
    assert.equal(await deadline(out, 5_000, "the access epoch"), "io server disconnect");
    assert.deepEqual(told, ["unauthenticated"]);
    assert.equal(app.services.sessions.size, 0);
    assert.equal(app.sockets.io.sockets.adapter.rooms.has(rooms.user(user.id)), false);
  });
}

Deno.test("A1: an access change missed in a gap is found, even when the store is away at first", async () => {
  await using app = await startServer();
  await signUp(app.url);
  const user = await signUp(app.url);
  const stays = await signUp(app.url);
  await using client = await connect(app.url, user.token);
  await using other = await connect(app.url, stays.token);
  const { tokens } = app.services;
  const stillCounts = tokens.stillCounts.bind(tokens);
  let failures = 0;
  tokens.stillCounts = (claims) => {
    if (failures++ < 3) return Promise.reject(new Error("the store is away"));
    return claims.id === user.id ? Promise.resolve(false) : stillCounts(claims);
  };
  await app.sockets.connections.recheck();
  await until(() => !client.socket.connected, { what: "the socket's end" });
  assert.ok(other.socket.connected);
  assert.match(client.errors[0]?.message ?? "", /changed/);
});
