import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { AppError } from "../../lib/common/errors.ts";
import { createLogger } from "../../lib/common/logger.ts";
import { type Account, Accounts } from "../../lib/openwebui/accounts.ts";
import { readSchema } from "../../lib/openwebui/schema.ts";
import { Settings } from "../../lib/openwebui/settings.ts";
import { Tokens, type TokensOptions } from "../../lib/openwebui/tokens.ts";
import { keys } from "../../lib/state/key_space.ts";
import { type Fixture, sqliteFixture } from "./fixture.ts";

const SECRET = "t0p-s3cr3t";
const logger = createLogger({ level: "error", format: "text" });
const nowSeconds = () => Math.floor(Date.now() / 1_000);

async function sign(claims: Record<string, unknown>, secret = SECRET): Promise<string> {
  const jwt = new SignJWT({ exp: nowSeconds() + 600, iat: nowSeconds(), jti: "j1", ...claims });
  return await jwt.setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
}

async function withUser(fixture: Fixture, id: string, account: Record<string, unknown> = {}) {
  await fixture.insert("user", {
    id,
    name: id,
    email: `${id}@x.org`,
    role: account["role"] ?? "user",
  });
  const { role: _role, ...auth } = account;
  await fixture.insert("auth", { id, active: true, ...auth });
}

async function open(fixture: Fixture, more: Partial<TokensOptions> = {}): Promise<Tokens> {
  const { database } = fixture;
  return await Tokens.open({
    secret: SECRET,
    accounts: new Accounts(database, await readSchema(database)),
    settings: new Settings(database, { isPersistent: true }),
    logger,
    ...more,
  });
}

/** Redis as far as it is asked: the values under the keys, by name. */
function revocations(values: Record<string, unknown>): NonNullable<TokensOptions["revocations"]> {
  return {
    getMany: <T>(asked: readonly (readonly string[])[]) =>
      Promise.resolve(asked.map((key) => values[key.join(":")] as T | undefined)),
  };
}

const REFUSED = { code: "unauthenticated" };
const idOrCode = (found: Account | AppError) => found instanceof AppError ? found.code : found.id;

Deno.test("a token counts for a user with an active account, whatever it was made for", async () => {
  await using fixture = await sqliteFixture();
  await withUser(fixture, "ada", { session_stamp: "s1" });
  const tokens = await open(fixture);
  for (const typ of [undefined, "session", "automation", "subagent"]) {
    const token = await sign({ id: "ada", session_stamp: "s1", ...(typ && { typ }) });
    assert.equal((await tokens.verify(token)).account.name, "ada");
  }
  const refused = {
    "another key": await sign({ id: "ada", session_stamp: "s1" }, "guess"),
    "an older stamp": await sign({ id: "ada", session_stamp: "s0" }),
    "no stamp": await sign({ id: "ada" }),
    "another purpose": await sign({ id: "ada", session_stamp: "s1", typ: "reset" }),
    "nobody": await sign({ id: "eve" }),
    "no user": await sign({}),
    "an API key": "sk-1234567890",
    "a long text": "x".repeat(10_000),
  };
  for (const [why, token] of Object.entries(refused)) {
    await assert.rejects(tokens.verify(token), REFUSED, why);
  }
  const ended = { id: "ada", session_stamp: "s1", exp: nowSeconds() - 1 };
  await assert.rejects(tokens.verify(await sign(ended)), { code: "token_expired" });
  // What somebody has made up has no end that counts.
  await assert.rejects(tokens.verify(await sign(ended, "guess")), REFUSED);
});

Deno.test("pending users, inactive accounts and revoked stamps are found by the batch, too", async () => {
  await using fixture = await sqliteFixture();
  await withUser(fixture, "ada");
  await withUser(fixture, "pen", { role: "pending" });
  await withUser(fixture, "off", { active: false });
  const tokens = await open(fixture);
  await assert.rejects(tokens.verify(await sign({ id: "off" })), REFUSED);
  await assert.rejects(tokens.verify(await sign({ id: "pen" })), { code: "forbidden" });
  const { claims } = await tokens.verify(await sign({ id: "ada" }));
  const many = await tokens.check([claims, { ...claims, id: "pen" }, { ...claims, id: "ghost" }]);
  assert.deepEqual(many.map(idOrCode), ["ada", "forbidden", "unauthenticated"]);
  await fixture.database.query("UPDATE auth SET session_stamp = 'new' WHERE id = 'ada'");
  assert.deepEqual((await tokens.check([claims])).map(idOrCode), ["unauthenticated"]);
});

Deno.test("a second factor is asked of sessions, unless their way to sign in is let off", async () => {
  await using fixture = await sqliteFixture();
  await withUser(fixture, "ada", { mfa: { secret: "x" } });
  await withUser(fixture, "bob", { mfa: { secret: "x", reset_required: true } });
  await withUser(fixture, "eve");
  await fixture.insert(
    "config",
    { key: "auth.mfa.enable", value: true },
    { key: "auth.mfa.allow_oauth_bypass", value: true },
  );
  const tokens = await open(fixture);
  const counts = async (claims: Record<string, unknown>) =>
    await tokens.verify(await sign(claims)).then(() => true, () => false);
  assert.equal(await counts({ id: "ada", mfa_verified: true }), true);
  assert.equal(await counts({ id: "ada" }), false);
  assert.equal(await counts({ id: "ada", mfa_verified: "yes" }), false);
  assert.equal(await counts({ id: "bob", mfa_verified: true }), false);
  assert.equal(await counts({ id: "eve", mfa_verified: true }), false);
  assert.equal(await counts({ id: "ada", auth_method: "oauth" }), true);
  assert.equal(await counts({ id: "ada", auth_method: "trusted_header" }), false);
  assert.equal(await counts({ id: "ada", typ: "automation" }), true);
});

Deno.test("what Python revoked in Redis counts; a Redis that can't say refuses nobody", async () => {
  await using fixture = await sqliteFixture();
  await withUser(fixture, "ada");
  const iat = nowSeconds();
  const counts = async (values: Record<string, unknown>, claims: Record<string, unknown> = {}) => {
    const tokens = await open(fixture, { revocations: revocations(values) });
    return await tokens.verify(await sign({ id: "ada", iat, ...claims })).then(
      () => true,
      () => false,
    );
  };
  const [token, user] = [keys.revokedToken("j1").join(":"), keys.userRevokedAt("ada").join(":")];
  assert.equal(await counts({}), true);
  assert.equal(await counts({ [token]: 1 }), false);
  assert.equal(await counts({ [token]: 1 }, { jti: "j2" }), true);
  assert.equal(await counts({ [user]: iat - 1 }), true);
  assert.equal(await counts({ [user]: iat }), false);
  assert.equal(await counts({ [user]: "no number" }), true);
  const away = { getMany: () => Promise.reject(new Error("away")) };
  const tokens = await open(fixture, { revocations: away });
  assert.equal((await tokens.verify(await sign({ id: "ada" }))).account.id, "ada");
});
