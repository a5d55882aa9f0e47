import assert from "node:assert/strict";
import { TokenBucket } from "../../lib/common/token_bucket.ts";

Deno.test("a token bucket gives its burst at once, then what the time brings", () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 3, nowMs: 0 });
  const taken = (nowMs: number) => {
    let count = 0;
    while (bucket.take(nowMs)) count++;
    return count;
  };
  assert.equal(taken(0), 3);
  assert.equal(taken(99), 0);
  assert.equal(taken(100), 1);
  assert.equal(taken(100_000), 3, "no more than the burst is kept");
});

Deno.test("a token bucket can owe: nothing is there until the debt is paid", () => {
  const bucket = new TokenBucket({ perSecond: 1_000, nowMs: 0 });
  assert.equal(bucket.waitMs(0), 0);
  bucket.spend(3_000, 0);
  assert.equal(bucket.waitMs(0), 2_001);
  assert.equal(bucket.take(2_000), false);
  assert.equal(bucket.take(2_001), true);
});

Deno.test("a token bucket bears a clock that is set back", () => {
  const bucket = new TokenBucket({ perSecond: 1, nowMs: 1_000_000 });
  assert.equal(bucket.take(1_000_000), true);
  assert.equal(bucket.take(0), false);
  assert.equal(bucket.take(1_000), true);
});
