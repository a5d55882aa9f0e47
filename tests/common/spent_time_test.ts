import assert from "node:assert/strict";
import { spentMs, SpentTime } from "../../lib/common/spent_time.ts";

function busy(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

Deno.test("time is what the work took, and not what it waited", async () => {
  const time = new SpentTime();
  busy(30);
  // The time of this thread alone: at least a good part of what has passed, whatever else runs.
  const worked = time.ms;
  assert.ok(worked > 0 && worked <= 200, `${worked}`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(time.ms < 250, `${time.ms} of some 30`);
});

Deno.test("short work counts with the time that passed", () => {
  const beganMs = performance.now();
  const told = spentMs(() => busy(0.5));
  const passedMs = performance.now() - beganMs;
  assert.ok(told >= 0.5 || told < passedMs, `${told}`);
  assert.ok(told <= passedMs, `${told} of ${passedMs}`);
});
