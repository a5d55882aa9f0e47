import assert from "node:assert/strict";
import fc from "fast-check";
import { type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import type { AccessChange } from "../../lib/auth/access_changes.ts";
import { TokenService, type TokenServiceOptions } from "../../lib/auth/token_service.ts";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { Role, User } from "../../lib/protocol/user.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";

const SECRET = "a key of the tests, 0123456789";
const bytes = (text: string) => new TextEncoder().encode(text);
const seconds = () => Math.floor(Date.now() / 1_000);

function user(id: string, role: Role = "user"): User {
  return {
    id,
    email: `${id}@example.org`,
    name: id,
    role,
    profile_image_url: "",
    last_active_at: 0,
    created_at: 0,
    updated_at: 0,
  };
}

async function openFixture(more: Partial<TokenServiceOptions> = {}) {
  const store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  const users = new Map([user("ada"), user("eve", "pending")].map((one) => [one.id, one]));
  const told: AccessChange[] = [];
  const tokens = await TokenService.open({
    store,
    secret: SECRET,
    findUser: (id) => Promise.resolve(users.get(id)),
    announce: (change) => Promise.resolve(void told.push(change)),
    ...more,
  });
  return { store, users, told, tokens, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

function signed(payload: JWTPayload, { secret = SECRET, alg = "HS256" } = {}): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg }).sign(bytes(secret));
}

Deno.test("a token tells who it is for, until its end", async () => {
  await using h = await openFixture({ expiresInMs: 60_000 });
  const { token, expires_at } = await h.tokens.issue(user("ada"));
  const { user: found, claims } = await h.tokens.verify(token);
  assert.equal(found.id, "ada");
  assert.equal(claims.exp, expires_at);
  assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 60);
  assert.match(claims.jti ?? "", /^[0-9a-f-]{36}$/);
});

Deno.test("a token is checked in one round trip, its user's record included", async () => {
  await using h = await openFixture();
  const { token } = await h.tokens.issue(user("ada"));
  await using reading = await openFixture({
    store: h.store,
    findUser: (id) => h.store.values.get<User>(keys.user(id)),
  });
  await h.store.values.set(keys.user("ada"), user("ada"));
  const costs: number[] = [];
  // The sweep of a store that was just opened costs two: the least of several counts.
  for (let tries = 0; tries < 4; tries++) {
    const before = h.store.stats().roundTrips;
    assert.equal((await reading.tokens.verify(token)).user.id, "ada");
    costs.push(h.store.stats().roundTrips - before);
  }
  assert.equal(Math.min(...costs), 1);
});

Deno.test("a life of null never ends", async () => {
  await using h = await openFixture({ expiresInMs: null });
  const { token, expires_at } = await h.tokens.issue(user("ada"));
  assert.equal(expires_at, null);
  assert.equal((await h.tokens.verify(token)).claims.exp, undefined);
});

Deno.test("a token of Open WebUI counts: without iat and jti, too", async () => {
  await using h = await openFixture();
  assert.equal((await h.tokens.verify(await signed({ id: "ada" }))).user.id, "ada");
  const claims = { id: "ada", typ: "session", auth_method: "password", session_stamp: null };
  assert.equal((await h.tokens.verify(await signed(claims))).user.id, "ada");
});

Deno.test("X16: a token that was made for another purpose opens no session", async () => {
  await using h = await openFixture();
  for (const typ of ["automation", "subagent"]) {
    const token = await signed({ id: "ada", typ });
    for (const _ of ["first", "again"]) {
      await assert.rejects(h.tokens.verify(token), { code: "unauthenticated" });
    }
  }
});

const now = seconds();
const good: JWTPayload = { id: "ada", iat: now, exp: now + 600, jti: "j" };
const cut = (token: string) => token.slice(0, -2);
const forged: Record<string, () => string | Promise<string>> = {
  "nothing": () => "",
  "another key": () => signed(good, { secret: "another key of the tests" }),
  "another algorithm of the same key": () =>
    signed(good, { secret: SECRET.repeat(3), alg: "HS512" }),
  "no algorithm": () => new UnsecuredJWT(good).encode(),
  "not yet": () => signed({ ...good, nbf: now + 600 }),
  "issued in the future": () => signed({ ...good, iat: now + 3_600 }),
  "no id": () => signed({ exp: now + 600 }),
  "an id that is no text": () => signed({ ...good, id: 7 }),
  "an empty id": () => signed({ ...good, id: "" }),
  "nobody's": () => signed({ ...good, id: "ghost" }),
  "made for something else": () => signed({ ...good, typ: "password-reset" }),
  "a jti that is no text": () => signed({ ...good, jti: 7 as unknown as string }),
  "a signature that is cut": async () => cut(await signed(good)),
  "too long": async () => `${await signed(good)}${"A".repeat(10_000)}`,
};

Deno.test("forged tokens are all unauthenticated", async (t) => {
  await using h = await openFixture();
  await h.tokens.verify(await signed(good));
  for (const [what, make] of Object.entries(forged)) {
    await t.step(what, async () => {
      await assert.rejects(h.tokens.verify(await make()), { code: "unauthenticated" });
    });
  }
});

Deno.test("a token that did count, and has reached its end, is told apart", async () => {
  await using h = await openFixture();
  const late = await signed({ ...good, exp: now - 1 });
  await assert.rejects(h.tokens.verify(late), { code: "token_expired" });
});

Deno.test("no text throws anything but unauthenticated", async () => {
  await using h = await openFixture();
  const segment = fc.oneof(fc.base64String(), fc.string(), fc.json());
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(".")),
    fc.tuple(fc.json(), fc.json(), fc.string()).map(([head, body, tail]) =>
      [bytes(head).toBase64({ alphabet: "base64url" }), bytes(body).toBase64(), tail].join(".")
    ),
  );
  await fc.assert(
    fc.asyncProperty(text, async (token) => {
      await assert.rejects(
        h.tokens.verify(token),
        (thrown) => thrown instanceof AppError && thrown.code === "unauthenticated",
      );
    }),
    { numRuns: 300 },
  );
});

Deno.test("pending users are forbidden, unless they are asked for", async () => {
  await using h = await openFixture();
  const { token } = await h.tokens.issue(user("eve", "pending"));
  await assert.rejects(h.tokens.verify(token), { code: "forbidden" });
  assert.equal((await h.tokens.verify(token, { allowPending: true })).user.role, "pending");
});

Deno.test("A1: a revoked token ends alone, and all instances are told", async () => {
  await using h = await openFixture();
  const [one, other] = [await h.tokens.issue(user("ada")), await h.tokens.issue(user("ada"))];
  const { claims } = await h.tokens.verify(one.token);
  await h.tokens.revoke(claims);
  await assert.rejects(h.tokens.verify(one.token), { code: "unauthenticated" });
  assert.equal(await h.tokens.stillCounts(claims), false);
  await h.tokens.verify(other.token);
  assert.deepEqual(h.told, [{ type: "token_revoked", jti: claims.jti, user_id: "ada" }]);
});

Deno.test("A1: all of a user's tokens end at once; one given right after counts", async () => {
  await using h = await openFixture();
  const { token } = await h.tokens.issue(user("ada"));
  await h.tokens.revokeAll("ada");
  await assert.rejects(h.tokens.verify(token), { code: "unauthenticated" });
  const { token: next } = await h.tokens.issue(user("ada"));
  assert.equal((await h.tokens.verify(next)).user.id, "ada");
  assert.deepEqual(h.told, [{ type: "user_revoked", user_id: "ada" }]);
});

Deno.test("what Open WebUI wrote revokes here: a text, the same second, a token without iat", async () => {
  await using h = await openFixture();
  const at = seconds() - 100;
  await h.store.values.set(keys.userRevokedAt("ada"), String(at));
  const verify = async (payload: JWTPayload) => h.tokens.verify(await signed(payload));
  await assert.rejects(verify({ id: "ada", iat: at - 1 }), { code: "unauthenticated" });
  await assert.rejects(verify({ id: "ada", iat: at }), { code: "unauthenticated" });
  await assert.rejects(verify({ id: "ada" }), { code: "unauthenticated" });
  assert.equal((await verify({ id: "ada", iat: at + 1 })).user.id, "ada");
});

Deno.test("a token without an id ends with all others", async () => {
  await using h = await openFixture();
  const token = await signed({ id: "ada", iat: seconds() });
  const { claims } = await h.tokens.verify(token);
  await h.tokens.revoke(claims);
  await assert.rejects(h.tokens.verify(token), { code: "unauthenticated" });
});

Deno.test("A1: demoted and deleted users lose what counted", async () => {
  await using h = await openFixture();
  const { claims } = await h.tokens.verify((await h.tokens.issue(user("ada"))).token);
  assert.equal(await h.tokens.stillCounts(claims), true);
  h.users.set("ada", user("ada", "pending"));
  assert.equal(await h.tokens.stillCounts(claims), false);
  h.users.delete("ada");
  assert.equal(await h.tokens.stillCounts(claims), false);
});

Deno.test("in doubt nobody gets in: a store that can't answer is unavailable, not a yes", async () => {
  await using h = await openFixture();
  const { token } = await h.tokens.issue(user("ada"));
  const values: StateStore["values"] = {
    ...h.store.values,
    getMany: () => Promise.reject(new AppError("unavailable", "The store is away.")),
  };
  const cutOff = await TokenService.open({
    store: { ...h.store, values },
    secret: SECRET,
    findUser: (id) => Promise.resolve(h.users.get(id)),
    announce: () => Promise.resolve(),
  });
  await assert.rejects(cutOff.verify(token), { code: "unavailable" });
  await assert.rejects(cutOff.stillCounts({ id: "ada" }), { code: "unavailable" });
});
