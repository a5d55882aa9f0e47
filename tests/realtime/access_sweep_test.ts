import assert from "node:assert/strict";
import { AccessSweep, SWEEP_EVERY_MS } from "../../lib/realtime/access_sweep.ts";
import { until } from "../support/until.ts";

Deno.test("what nobody announces is looked for within 30 s, again and again, and at once when asked", async () => {
  assert.ok(SWEEP_EVERY_MS <= 25_000, "a round itself takes time, too");
  const looks = [0, 0];
  const review = (at: number) => () => {
    looks[at] = (looks[at] ?? 0) + 1;
    return Promise.resolve();
  };
  await using often = new AccessSweep({ reviews: [review(0)], everyMs: 20 });
  await using asked = new AccessSweep({ reviews: [review(1)] });
  often.start();
  asked.start();
  await until(() => (looks[0] ?? 0) >= 3, { what: "three rounds" });
  assert.equal(looks[1], 0);
  for (let n = 1; n <= 2; n++) {
    asked.now();
    await until(() => looks[1] === n, { what: "a round that was asked for" });
  }
});
