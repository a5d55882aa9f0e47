import assert from "node:assert/strict";
import fc from "fast-check";
import { backOff, pause, untilAborted } from "../../lib/common/pause.ts";

Deno.test("a pause ends with its signal, and at once when that is aborted already", async () => {
  const controller = new AbortController();
  const paused = pause(600_000, controller.signal);
  controller.abort();
  await paused;
  await pause(600_000, controller.signal);
});

Deno.test("a back-off grows from its first wait to its longest, and stays within both", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 1_000 }),
    fc.integer({ min: 1, max: 100_000 }),
    (firstMs, extraMs) => {
      const maxMs = firstMs + extraMs;
      let waitMs = 0;
      for (let failures = 0; failures < 40; failures++) {
        waitMs = backOff(waitMs, { firstMs, maxMs });
        assert.ok(waitMs >= firstMs / 2 && waitMs <= maxMs, `${waitMs}`);
      }
      assert.ok(waitMs >= maxMs / 2, "it has grown to the longest wait");
    },
  ));
});

Deno.test("those who fail together do not come back together", () => {
  const waits = new Set(Array.from({ length: 50 }, () => backOff(1_000)));
  assert.ok(waits.size > 40, `${waits.size} different waits of 50`);
});

Deno.test("untilAborted ends with the signal's reason, even if the source does not listen", async () => {
  const controller = new AbortController();
  async function* source() {
    yield 1;
    await new Promise(() => {});
  }
  const seen: number[] = [];
  const reason = new Error("enough");
  await assert.rejects(async () => {
    for await (const item of untilAborted(source(), controller.signal)) {
      seen.push(item);
      queueMicrotask(() => controller.abort(reason));
    }
  }, reason);
  assert.deepEqual(seen, [1]);
});
