import assert from "node:assert/strict";
import process from "node:process";
import { spentMs, SpentTime } from "../../lib/common/spent_time.ts";

/** Works until so much time has passed. */
function busy(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/**
 * Works until this thread has had a processor for so long, however long that takes on a busy machine;
 * and no shorter by the clock, as the kernel counts in steps of ten milliseconds.
 */
function compute(ms: number): void {
  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  const endMs = spent() + ms;
  const beganMs = performance.now();
  while (spent() < endMs || performance.now() - beganMs < ms);
}

Deno.test("time is what the work took, and not what it waited", async () => {
  const time = new SpentTime();
  compute(30);
  // The time of this thread alone, whatever else runs.
  const worked = time.ms;
  assert.ok(worked >= 30 && worked <= 200, `${worked}`);
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
