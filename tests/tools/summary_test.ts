import assert from "node:assert/strict";
import { closingLine, FailedFiles, readSummary } from "./summary.ts";

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

Deno.test("files that failed are found, however the output is cut", () => {
  const output = "./tests/a_test.ts => one ... ok (1ms)\n" +
    "./tests/b_test.ts => two ... FAILED (2ms)\n" +
    "./tests/b_test.ts => two ... a step ... FAILED (1ms)\n" +
    "Uncaught error from ./tests/web/c_test.ts FAILED\n" +
    "FAILED | 1 passed | 2 failed (3ms)\n";
  for (let size = 1; size < output.length; size += 7) {
    const files = new FailedFiles();
    for (let at = 0; at < output.length; at += size) files.read(output.slice(at, at + size));
    assert.deepEqual(files.list(), ["tests/b_test.ts", "tests/web/c_test.ts"]);
  }
});
