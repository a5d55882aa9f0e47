import assert from "node:assert/strict";
import { quantile, ratios } from "./measure/statistics.ts";
import { parseOptions } from "./options.ts";
import { reportOf } from "./report/report.ts";
import type { Figure } from "./sections/section.ts";

const ECHO: Figure = {
  id: "echo",
  title: "acknowledged echo",
  unit: "µs",
  samples: { ours: [10, 20, 15], node: [20, 20, 20], python: [100, 100, 100] },
  failures: { bun: "Error: it fell over" },
};

Deno.test("quantile interpolates, ratios go round by round", () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(quantile([7], 0.25), 7);
  assert.ok(Number.isNaN(quantile([], 0.5)));
  assert.deepEqual(ratios([10, 20], [20, 20, 20]), [0.5, 1]);
});

Deno.test("a report says of each target whether it is met, and of each missing peer why", () => {
  const report = reportOf(ECHO, { deno: "not installed: no network" });
  assert.equal(report.rows.find(({ peer }) => peer === "ours")?.ratio, 0.75);
  assert.deepEqual(
    report.verdicts.map(({ against, value, met }) => ({ against, value, met })),
    [{ against: "node", value: 0.75, met: true }, { against: "python", value: 0.15, met: true }],
  );
  assert.deepEqual(report.missing, {
    deno: "not installed: no network",
    bun: "Error: it fell over",
  });
  const slow = reportOf({ ...ECHO, samples: { ...ECHO.samples, ours: [19, 19, 19] } }, {});
  assert.equal(slow.verdicts[0]?.met, false);
});

Deno.test("the command line names what it does not know", () => {
  assert.deepEqual(parseOptions(["echo"]).sections.map(({ name }) => name), ["echo"]);
  assert.deepEqual(parseOptions(["--peers=node"]).peers.map(({ id }) => id), ["node"]);
  assert.throws(() => parseOptions(["speed"]), /Cannot run "speed": choose from delivery/);
});
