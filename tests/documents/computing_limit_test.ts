import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import { ComputingLimit } from "../../lib/documents/computing_limit.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 300;

/** How long it takes until a limit is over, where `computed` says what has been computed. */
async function overAfterMs(computed?: () => number): Promise<number> {
  let isOver = false;
  using _limit = new ComputingLimit(LIMIT_MS, () => isOver = true, computed);
  const beganMs = performance.now();
  await until(() => isOver, { what: "the end of it" });
  return performance.now() - beganMs;
}

Deno.test("where a thread has its processor, what passes counts; where it has none, a multiple of it", async () => {
  const [free, busy] = await Promise.all([
    overAfterMs(() => performance.now()),
    overAfterMs(() => 0),
  ]);
  assert.ok(free >= LIMIT_MS - 1, `${free} ms`);
  assert.ok(busy >= 6 * LIMIT_MS - 1, `${busy} ms`);
  const really = await overAfterMs();
  assert.ok(really >= LIMIT_MS - 1, `${really} ms`);
});

Deno.test("each step begins its time anew", async () => {
  let isOver = false;
  let computed = 0;
  using limit = new ComputingLimit(LIMIT_MS, () => isOver = true, () => computed);
  for (let step = 0; step < 3; step++) {
    computed += 0.9 * LIMIT_MS;
    limit.step();
    await pause(0.4 * LIMIT_MS);
  }
  assert.equal(isOver, false);
  computed += LIMIT_MS;
  await until(() => isOver, { what: "the end of it" });
});
