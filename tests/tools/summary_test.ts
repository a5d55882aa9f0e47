import assert from "node:assert/strict";
import { conclude, FailedFiles, readSummary } from "./summary.ts";

Deno.test("deno's last summary is read, steps and time aside", () => {
  const output =
    "ok | 9 passed | 0 failed (1s)\nFAILED | 3 passed (12 steps) | 2 failed (1 step) | 1 ignored (5ms)\n\nerror: Test failed\n";
  assert.deepEqual(readSummary(output), { passed: 3, failed: 2, skipped: 1 });
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

Deno.test("a single file that failed is found, too", () => {
  const files = new FailedFiles();
  files.read("running 2 tests from ./tests/a_test.ts\none ... ok (1ms)\ntwo ... FAILED (2ms)\n");
  assert.deepEqual(files.list(), ["tests/a_test.ts"]);
});

const good = { success: true, summary: { passed: 9, failed: 0, skipped: 1 }, failedFiles: [] };
const bad = {
  success: false,
  summary: { passed: 7, failed: 2, skipped: 1 },
  failedFiles: ["tests/a_test.ts", "tests/b_test.ts"],
};

Deno.test("a test that fails once fails the run", () => {
  assert.deepEqual(conclude(good), { lines: ["9 passed, 0 failed, 1 skipped"], passed: true });
  assert.deepEqual(conclude(bad), { lines: ["7 passed, 2 failed, 1 skipped"], passed: false });
});

Deno.test("a run that fails without a failed test has one: an error outside of tests, no summary", () => {
  const outside = { ...good, success: false };
  assert.deepEqual(conclude(outside), { lines: ["9 passed, 1 failed, 1 skipped"], passed: false });
  const ended = conclude({ success: true, summary: undefined, failedFiles: [] });
  assert.equal(ended.passed, false);
  assert.equal(ended.lines.at(-1), "0 passed, 1 failed, 0 skipped");
});

Deno.test("what passes at one more try is listed as flaky, and the run passes", () => {
  const again = { success: true, summary: { passed: 3, failed: 0, skipped: 0 }, failedFiles: [] };
  const { lines, passed } = conclude(bad, again);
  assert.ok(passed);
  assert.match(lines[0] ?? "", /^Flaky/);
  assert.deepEqual(lines.slice(1), [
    "  tests/a_test.ts",
    "  tests/b_test.ts",
    "9 passed, 0 failed, 1 skipped",
  ]);
});

Deno.test("what fails again fails the run, beside what was flaky", () => {
  const again = {
    success: false,
    summary: { passed: 2, failed: 1, skipped: 0 },
    failedFiles: ["tests/b_test.ts"],
  };
  const { lines, passed } = conclude(bad, again);
  assert.ok(!passed);
  assert.deepEqual(lines.slice(1), ["  tests/a_test.ts", "8 passed, 1 failed, 1 skipped"]);
  const ended = conclude(bad, { success: false, summary: undefined, failedFiles: [] });
  assert.deepEqual(ended, { lines: ["7 passed, 2 failed, 1 skipped"], passed: false });
});
