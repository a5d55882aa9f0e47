import assert from "node:assert/strict";
import { rooms } from "../../lib/protocol/events.ts";
import type { UserEvent } from "../../lib/protocol/user.ts";
import { type Client, connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { forgeToken, nowSeconds } from "./support/tokens.ts";

/** Every event that wants a session, with a payload that would be good. */
const EVENTS: [name: string, payload: unknown][] = [
  ["heartbeat", {}],
  ["usage", { model: "m" }],
  ["events:chat", { chat_id: "c", data: { type: "last_read_at" } }],
  ["chat:resume", { chat_id: "c" }],
  ["no-such-event", {}],
  ["a:b:c", "data: {}"],
];

async function assertMute({ socket, errors }: Client): Promise<void> {
  for (const [name, payload] of EVENTS) {
    const refused = await socket.emitWithAck(name, payload);
    assert.equal(refused.status, false, name);
    assert.equal(refused.error.code, "unauthenticated", name);
    errors.length = 0;
    socket.emit(name, payload);
    const error = await until(() => errors[0], { what: `the refusal of ${name}` });
    assert.equal(error.event, name);
    assert.equal(error.code, "unauthenticated");
    assert.notEqual(error.message, "");
  }
  assert.ok(socket.connected);
}

Deno.test("a socket without a token that counts is let in, and every event but user-join is refused", async (t) => {
  await using app = await startServer({ DEFAULT_USER_ROLE: "pending" });
  const admin = await signUp(app.url);
  const pending = await signUp(app.url);
  assert.equal(pending.role, "pending");
  const exp = nowSeconds() + 100;
  const tokens: Record<string, string | undefined> = {
    "no token": undefined,
    "an empty token": "",
    "nonsense": "x.y.z",
    "another key's": await forgeToken({ id: admin.id, iat: nowSeconds(), exp }, "another key"),
    "an expired one": await forgeToken({ id: admin.id, iat: 1, exp: nowSeconds() - 1 }),
    "of nobody": await forgeToken({ id: "nobody", iat: nowSeconds(), exp }),
    "of a pending user": pending.token,
  };
  for (const [name, token] of Object.entries(tokens)) {
    await t.step(name, async () => {
      await using client = await connect(app.url, token);
      await assertMute(client);
      const refused = await client.socket.emitWithAck("user-join", { auth: { token } });
      const code = token === undefined
        ? "invalid_payload"
        : name === "of a pending user"
        ? "forbidden"
        : name === "an expired one"
        ? "token_expired"
        : "unauthenticated";
      assert.equal(refused.error.code, code);
      await assertMute(client);
    });
  }
  await t.step("a token that is no text, or too long", async () => {
    for (const token of [{ deep: 1 }, 5, [], "x".repeat(9_000)]) {
      await using client = await connect(app.url, undefined, { auth: { token } });
      assert.equal(
        (await client.socket.emitWithAck("heartbeat", {})).error.code,
        "unauthenticated",
      );
    }
  });
  assert.equal(app.services.sessions.size, 0);
});

Deno.test("user-join signs in, and with another user's token switches the rooms", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url, "Ada");
  const bob = await signUp(app.url, "Bob");
  await using client = await connect(app.url, undefined);
  const { socket } = client;
  const join = (token: string) => socket.emitWithAck("user-join", { auth: { token } });
  assert.deepEqual(await join(ada.token), { id: ada.id, name: "Ada" });
  assert.deepEqual(await socket.emitWithAck("heartbeat", {}), { status: true });
  assert.deepEqual(await socket.emitWithAck("heartbeat"), { status: true });
  const members = (id: string) => app.sockets.io.sockets.adapter.rooms.get(rooms.user(id))?.size;
  assert.equal(members(ada.id), 1);

  // Something else than the user's own room, which must be left as well.
  app.sockets.io.sockets.sockets.get(socket.id ?? "")?.join("channel:x");
  assert.deepEqual(await join(bob.token), { id: bob.id, name: "Bob" });
  assert.deepEqual([members(ada.id), members(bob.id)], [undefined, 1]);
  assert.equal(app.sockets.io.sockets.adapter.rooms.has("channel:x"), false);
  const { id } = await app.services.sessions.get(socket.id ?? "") ?? {};
  assert.equal(id, bob.id);

  const refused = await join("nonsense");
  assert.equal(refused.error.code, "unauthenticated");
  assert.equal(members(bob.id), 1, "a failed sign-in leaves the session as it was");
  assert.deepEqual(
    await Promise.all([join(ada.token), join(bob.token), join(ada.token)]).then(
      (answers) => answers.filter(({ id }) => id !== undefined).length > 0,
    ),
    true,
  );
  const held = [members(ada.id) ?? 0, members(bob.id) ?? 0];
  assert.deepEqual(held.toSorted(), [0, 1], "sign-ins at once leave exactly one user's room");
});

Deno.test("the pool holds the user without the private fields, with last_seen_at", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url, "Ada");
  await using client = await connect(app.url, ada.token);
  await client.socket.emitWithAck("heartbeat", {});
  const session = await app.services.sessions.get(client.socket.id ?? "");
  assert.equal(session?.id, ada.id);
  assert.equal(session?.name, "Ada");
  assert.ok(Math.abs((session?.last_seen_at ?? 0) - nowSeconds()) < 60, "unix seconds");
  const fields = Object.keys(session ?? {});
  for (const name of ["profile_image_url", "bio", "gender", "date_of_birth", "password"]) {
    assert.equal(fields.some((field) => field.includes(name)), false, name);
  }
});

Deno.test("usage: a model counts as in use for its session's seconds, and no longer than the socket", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const inUse = () => ada.json<{ model_ids: string[]; user_ids: string[] }>("GET", "/api/usage");
  {
    await using client = await connect(app.url, ada.token);
    await Promise.all(
      ["m1", "m2"].map((model) => client.socket.emitWithAck("usage", { model })),
    );
    await until(async () => (await inUse()).model_ids.length === 2, { what: "both models" });
    assert.deepEqual((await inUse()).user_ids, [ada.id]);
  }
  await until(async () => (await inUse()).model_ids.length === 0, { what: "no model in use" });
});

Deno.test("an event that nobody knows is not_found, with and without an ack", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const answer = await client.socket.emitWithAck("no-such-event", {});
  assert.equal(answer.error.code, "not_found");
  client.socket.emit("__proto__", {});
  const error = await until(() => client.errors[0]);
  assert.deepEqual([error.event, error.code], ["__proto__", "not_found"]);
});

Deno.test("admins hear who signs up, changes and goes; everybody else hears of themselves alone", async () => {
  await using app = await startServer({ DEFAULT_USER_ROLE: "pending" });
  const admin = await signUp(app.url, "Admin");
  await using watching = await connect(app.url, admin.token);
  const heard = (client: typeof watching) => {
    const events: UserEvent[] = [];
    client.socket.on("events:users", (event: UserEvent) => events.push(event));
    return events;
  };
  const told = heard(watching);
  const eve = await signUp(app.url, "Eve");
  await until(() => told.at(-1)?.type === "created", { what: "the sign-up" });
  assert.deepEqual([told[0]?.user.id, told[0]?.user.role], [eve.id, "pending"]);
  assert.ok(!("password_hash" in (told[0]?.user ?? {})));
  await admin.json("POST", `/api/v1/users/${eve.id}/update`, { role: "user" });
  await until(() => told.at(-1)?.user.role === "user", { what: "the role" });
  await using own = await connect(app.url, eve.token);
  const ownHeard = heard(own);
  await signUp(app.url, "Mallory");
  await until(() => told.at(-1)?.user.name === "Mallory", { what: "another sign-up" });
  const picture = `data:image/png;base64,${"A".repeat(20_000)}`;
  const changed = { name: " Evelyn ", profile_image_url: picture };
  const me = await eve.json<{ name: string }>("POST", "/api/v1/auths/update/profile", changed);
  assert.equal(me.name, "Evelyn");
  const last = await until(() => ownHeard.at(-1), { what: "one's own change" });
  assert.deepEqual([last.user.name, last.user.profile_image_url], ["Evelyn", ""]);
  assert.equal(ownHeard.length, 1, "and nothing of Mallory");
  const large = { name: "Eve", profile_image_url: `data:image/png;base64,${"A".repeat(70_000)}` };
  assert.ok([400, 413].includes(await eve.status("POST", "/api/v1/auths/update/profile", large)));
  const evil = { name: "Eve", profile_image_url: "javascript:alert(1)" };
  assert.equal(await eve.status("POST", "/api/v1/auths/update/profile", evil), 400);
  await admin.json("DELETE", `/api/v1/users/${eve.id}`);
  await until(() => told.at(-1)?.type === "deleted", { what: "the deletion" });
});
