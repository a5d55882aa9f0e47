import assert from "node:assert/strict";
import { LatestOnly } from "../../lib/channels/latest_only.ts";
import { until } from "../support/until.ts";

Deno.test("of many values the latest pass, not too often, and the last one always", async () => {
  const sent: { value: number; atMs: number }[] = [];
  using latest = new LatestOnly<number>(
    (value) => sent.push({ value, atMs: performance.now() }),
    40,
  );
  let pushed = 0;
  const timer = setInterval(() => latest.push(++pushed), 2);
  await until(() => pushed >= 60);
  clearInterval(timer);
  await until(() => sent.at(-1)?.value === pushed);
  assert.ok(sent.length < pushed / 5, `${sent.length} of ${pushed}`);
  for (const [at, { atMs, value }] of sent.entries()) {
    const before = sent[at - 1];
    if (!before) continue;
    assert.ok(atMs - before.atMs >= 38, `${atMs - before.atMs} ms`);
    assert.ok(value > before.value);
  }
});

Deno.test("what waits is dropped when something else takes its place, in its time", async () => {
  const sent: string[] = [];
  using latest = new LatestOnly<string>((value) => sent.push(value), 60);
  latest.push("first");
  await until(() => sent.length === 1);
  const start = performance.now();
  latest.push("second");
  await latest.quiet();
  assert.ok(performance.now() - start > 45);
  assert.deepEqual(sent, ["first"]);
});
