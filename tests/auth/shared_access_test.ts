import assert from "node:assert/strict";
import { type AccessChange, accessChanges } from "../../lib/auth/access_changes.ts";
import { RateLimiter } from "../../lib/auth/rate_limiter.ts";
import { loadSecretKey } from "../../lib/auth/secret_key.ts";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { FaultyHub, onBus } from "../support/faulty_bus.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { until } from "../support/until.ts";

const openStore = () => openKvStore({ path: ":memory:", keyPrefix: "t", logger });

Deno.test("access changes arrive as they were told, here too; odd messages are logged and end nothing", async () => {
  const { logger, lines } = keepingLogger();
  const hub = new FaultyHub();
  await using teller = onBus(hub.connect());
  await using hearer = onBus(hub.connect(), { logger });
  const heard = { here: [] as AccessChange[], elsewhere: [] as AccessChange[] };
  await using _here = teller.topics.subscribe(accessChanges, {
    onMessage: (change) => void heard.here.push(change),
    onGap() {},
  });
  await using _elsewhere = hearer.topics.subscribe(accessChanges, {
    onMessage: (change) => void heard.elsewhere.push(change),
    onGap() {},
  });
  const sent: AccessChange[] = [
    { type: "token_revoked", jti: "j", user_id: "u" },
    { type: "role_changed", user_id: "u", role: "pending" },
    { type: "room_left", user_id: "u", room: "note:n" },
  ];
  for (const odd of ["", "{", null, { type: "new" }, { type: "user_deleted" }]) {
    await teller.transport.deliver(`topic#${accessChanges.name}`, odd);
  }
  for (const change of sent) await teller.topics.announce(accessChanges, change);
  await until(() => heard.elsewhere.length === sent.length, { what: "the changes" });
  assert.deepEqual(heard.elsewhere, sent);
  assert.deepEqual(heard.here, sent);
  assert.equal(lines.length, 5);
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
