import assert from "node:assert/strict";
import { type AccessChange, AccessChanges } from "../../lib/auth/access_changes.ts";
import { RateLimiter } from "../../lib/auth/rate_limiter.ts";
import { loadSecretKey } from "../../lib/auth/secret_key.ts";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { StateStore, SubscribeHandlers } from "../../lib/state/state_store.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { until } from "../support/until.ts";

const openStore = () => openKvStore({ path: ":memory:", keyPrefix: "t", logger });

Deno.test("access changes arrive as they were told; odd messages are logged and end nothing", async () => {
  await using store = await openStore();
  const { logger, lines } = keepingLogger();
  const changes = new AccessChanges(store, logger);
  const heard: AccessChange[] = [];
  await using _ = await changes.subscribe({
    onChange: (change) => heard.push(change),
    onGap: () => {},
  });
  const sent: AccessChange[] = [
    { type: "token_revoked", jti: "j", user_id: "u" },
    { type: "role_changed", user_id: "u", role: "pending" },
    { type: "room_left", user_id: "u", room: "note:n" },
  ];
  for (const odd of ["", "{", "null", '{"type":"new"}', '{"type":"user_deleted"}']) {
    await store.publish(keys.accessChanges, odd);
  }
  for (const change of sent) await changes.publish(change);
  await until(() => heard.length === sent.length, { what: "the changes" });
  assert.deepEqual(heard, sent);
  assert.equal(lines.length, 5);
});

Deno.test("a gap is passed on", async () => {
  await using store = await openStore();
  let handlers: SubscribeHandlers | undefined;
  const subscribe: StateStore["subscribe"] = (channel, given) => {
    handlers = given;
    return store.subscribe(channel, given);
  };
  let gaps = 0;
  const changes = new AccessChanges({ ...store, subscribe }, logger);
  await using _ = await changes.subscribe({ onChange: () => {}, onGap: () => gaps++ });
  handlers?.onGap?.();
  assert.equal(gaps, 1);
});

Deno.test("a change is told again when the store was away for a moment, three times at most", async () => {
  await using store = await openStore();
  let tries = 0;
  let failures = 2;
  const publish: StateStore["publish"] = () => {
    tries++;
    if (failures-- > 0) return Promise.reject(new AppError("unavailable", "away"));
    return Promise.resolve();
  };
  const changes = new AccessChanges({ ...store, publish }, logger);
  await changes.publish({ type: "user_deleted", user_id: "u" });
  assert.equal(tries, 3);
  failures = Infinity;
  await assert.rejects(changes.publish({ type: "user_deleted", user_id: "u" }), {
    code: "unavailable",
  });
  assert.equal(tries, 6);
});

Deno.test("what could not be told becomes one word to all: ask again of every session", async () => {
  await using store = await openStore();
  let isAway = false;
  let refused = 0;
  const publish: StateStore["publish"] = (channel, message) => {
    if (!isAway) return store.publish(channel, message);
    refused++;
    return Promise.reject(new AppError("unavailable", "away"));
  };
  const teller = new AccessChanges({ ...store, publish }, logger);
  const gaps = { here: 0, elsewhere: 0 };
  const heard: AccessChange[] = [];
  const onChange = (change: AccessChange) => heard.push(change);
  await using _here = await teller.subscribe({ onChange, onGap: () => gaps.here++ });
  await using _elsewhere = await new AccessChanges(store, logger).subscribe({
    onChange,
    onGap: () => gaps.elsewhere++,
  });
  isAway = true;
  const lost: AccessChange = { type: "user_deleted", user_id: "u" };
  await Promise.allSettled([teller.publish(lost), teller.publish(lost), teller.publish(lost)]);
  await until(() => refused > 9, { what: "a try to tell all" });
  assert.deepEqual(gaps, { here: 0, elsewhere: 0 });
  isAway = false;
  await until(() => gaps.here > 0 && gaps.elsewhere > 0, { what: "the word" });
  await teller.publish(lost);
  await until(() => heard.length === 2, { what: "the next change" });
  assert.deepEqual(gaps, { here: 1, elsewhere: 1 }, "one for three");
});

Deno.test("who no longer listens owes nobody a word: no timer is left behind", async () => {
  await using store = await openStore();
  const publish = () => Promise.reject(new AppError("unavailable", "away"));
  const changes = new AccessChanges({ ...store, publish }, logger);
  const subscription = await changes.subscribe({ onChange: () => {}, onGap: () => {} });
  await assert.rejects(changes.publish({ type: "user_deleted", user_id: "u" }));
  await subscription.unsubscribe();
  await assert.rejects(changes.publish({ type: "user_deleted", user_id: "u" }));
});

Deno.test("instances that start together agree on one key of 256 bits", async () => {
  await using store = await openStore();
  const found = await Promise.all(
    Array.from({ length: 10 }, () => loadSecretKey(undefined, store)),
  );
  assert.equal(new Set(found.map(({ secret }) => secret)).size, 1);
  assert.equal(found.filter(({ source }) => source === "made").length, 1);
  assert.equal(Uint8Array.fromBase64(found[0]?.secret ?? "", { alphabet: "base64url" }).length, 32);
  assert.deepEqual(await loadSecretKey("mine", store), { secret: "mine", source: "configured" });
});

Deno.test("over the limit a subject is refused, others are not", async () => {
  await using store = await openStore();
  const limiter = new RateLimiter({ store, name: "signin", limit: 3 });
  for (let n = 0; n < 3; n++) await limiter.hit("ada@example.org");
  await assert.rejects(limiter.hit("ada@example.org"), {
    code: "rate_limited",
    retryAfterMs: 180_000,
  });
  await limiter.hit("eve@example.org");
  await new RateLimiter({ store, name: "other", limit: 3 }).hit("ada@example.org");
});

Deno.test("without a count nobody gets in", async () => {
  await using store = await openStore();
  const countHit = () => Promise.reject(new AppError("unavailable", "away"));
  const limiter = new RateLimiter({ store: { ...store, countHit }, name: "signin", limit: 3 });
  await assert.rejects(limiter.hit("ada"), { code: "unavailable" });
});
