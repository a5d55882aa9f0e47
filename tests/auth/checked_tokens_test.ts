import assert from "node:assert/strict";
import { CheckedTokens } from "../../lib/auth/checked_tokens.ts";
import { TokenService } from "../../lib/auth/token_service.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { User } from "../../lib/protocol/user.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";

Deno.test("no more tokens are kept than there may be, those used last", () => {
  const checked = new CheckedTokens(3);
  for (const token of ["a", "b", "c"]) checked.add(token, { id: token });
  assert.equal(checked.get("a")?.id, "a");
  checked.add("d", { id: "d" });
  assert.deepEqual(["a", "b", "c", "d"].map((token) => checked.get(token)?.id), [
    "a",
    undefined,
    "c",
    "d",
  ]);
});

Deno.test("a token seen before ends in its second, with its revocation, and with its user", async () => {
  await using store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  let nowMs = 1_800_000_000_000;
  let user: User | undefined = {
    id: "u",
    email: "u@example.com",
    name: "u",
    role: "user",
    profile_image_url: "",
    last_active_at: 0,
    created_at: 0,
    updated_at: 0,
  };
  const tokens = await TokenService.open({
    store,
    secret: "for tests only",
    expiresInMs: 60_000,
    clock: { nowMs: () => nowMs },
    findUser: () => Promise.resolve(user),
    announce: () => Promise.resolve(),
  });
  const refused = { code: "unauthenticated" };
  const { token } = await tokens.issue({ id: "u" });
  const { token: other } = await tokens.issue({ id: "u" });
  const { claims } = await tokens.verify(token);
  await tokens.verify(other);
  assert.deepEqual((await tokens.verify(token)).claims, claims);
  // One character away from a token that is known, it is another token.
  for (const at of [0, token.indexOf(".") + 5, token.length - 5]) {
    const forged = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    await assert.rejects(tokens.verify(forged), refused);
  }
  await tokens.revoke(claims);
  await assert.rejects(tokens.verify(token), refused);
  nowMs += 59_999;
  await tokens.verify(other);
  const kept = user;
  user = undefined;
  await assert.rejects(tokens.verify(other), refused);
  user = kept;
  nowMs += 1;
  await assert.rejects(tokens.verify(other), { code: "token_expired" });
});
