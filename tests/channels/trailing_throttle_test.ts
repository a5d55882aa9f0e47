import assert from "node:assert/strict";
import { SLOWDOWN, TrailingThrottle } from "../../lib/channels/trailing_throttle.ts";
import { until } from "../support/until.ts";

Deno.test("of many values the latest pass, not too often, and the last one always", async () => {
  const sent: { value: number; atMs: number }[] = [];
  using latest = new TrailingThrottle<number>({
    send: (value) => void sent.push({ value, atMs: performance.now() }),
    everyMs: 40,
  });
  let pushed = 0;
  // Ten at once, however late the timer comes: of those at most the first and the last pass.
  const timer = setInterval(() => {
    for (let at = 0; at < 10; at++) latest.push(++pushed);
  }, 10);
  await until(() => pushed >= 200);
  clearInterval(timer);
  await until(() => sent.at(-1)?.value === pushed);
  assert.ok(sent.length <= pushed / 5 + 1, `${sent.length} of ${pushed}`);
  for (const [at, { atMs, value }] of sent.entries()) {
    const before = sent[at - 1];
    if (!before) continue;
    assert.ok(atMs - before.atMs >= 38, `${atMs - before.atMs} ms`);
    assert.ok(value > before.value);
  }
});

Deno.test("what waits is dropped when something else takes its place, in its time", async () => {
  const sent: string[] = [];
  using latest = new TrailingThrottle<string>({
    send: (value) => void sent.push(value),
    everyMs: 60,
  });
  latest.push("first");
  await until(() => sent.length === 1);
  const start = performance.now();
  latest.push("second");
  await latest.quiet();
  assert.ok(performance.now() - start > 45);
  assert.deepEqual(sent, ["first"]);
});

Deno.test("a text that grows is sent a few times its size, and not with its square", async () => {
  const sent: { length: number; atMs: number }[] = [];
  using latest = new TrailingThrottle<number>({
    send: (length) => void sent.push({ length, atMs: performance.now() }),
    everyMs: 4,
    slowdown: SLOWDOWN,
  });
  const start = performance.now();
  let length = 0;
  const timer = setInterval(() => latest.push(length = performance.now() - start), 1);
  await until(() => length > 2_000);
  clearInterval(timer);
  // The author pauses: what there is arrives, without a word more.
  await until(() => sent.at(-1)?.length === length);
  const total = sent.reduce((sum, one) => sum + one.length, 0);
  assert.ok(total < 12 * length, `${total / length} times its size`);
  assert.ok(sent.length > 10, `${sent.length} times`);
});

Deno.test("a slow receiver is given the next value when it has the last one", async () => {
  const sent: number[] = [];
  let most = 0;
  let running = 0;
  const gate = Promise.withResolvers<void>();
  using latest = new TrailingThrottle<number>({
    everyMs: 1,
    async send(value) {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      sent.push(value);
    },
  });
  latest.push(1);
  await until(() => running === 1);
  for (let value = 2; value <= 10; value++) latest.push(value);
  gate.resolve();
  await until(() => sent.length === 2);
  assert.deepEqual([sent, most], [[1, 10], 1]);
  latest.push(11);
  await latest.drop();
  assert.deepEqual(sent, [1, 10]);
});
