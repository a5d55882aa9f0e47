import assert from "node:assert/strict";
import { closingLine, readSummary } from "./summary.ts";

Deno.test("deno's last summary is read, steps and time aside", () => {
  const output =
    "ok | 9 passed | 0 failed (1s)\nFAILED | 3 passed (12 steps) | 2 failed (1 step) | 1 ignored (5ms)\n\nerror: Test failed\n";
  const summary = readSummary(output);
  assert.deepEqual(summary, { passed: 3, failed: 2, skipped: 1 });
  assert.equal(closingLine({ passed: 3, failed: 2, skipped: 1 }), "3 passed, 2 failed, 1 skipped");
});

Deno.test("no summary is no summary", () => {
  assert.equal(readSummary("error: Module not found\n"), undefined);
});
