import assert from "node:assert/strict";
import { FileTimes, timeTable } from "./file_times.ts";

Deno.test("what each file took is read, steps aside, however the output is cut", () => {
  const output = "./tests/a_test.ts => one ... ok (900ms)\n" +
    "./tests/web/b_test.ts => two ... a step ... ok (3s)\n" +
    "./tests/web/b_test.ts => two ... ok (1m2s)\n" +
    "./tests/a_test.ts => another (of two) ... FAILED (1s)\n" +
    "./tests/c_test.ts => not here ... ignored (0ms)\n" +
    "ok | 3 passed | 0 failed (1m3s)\n";
  for (let size = 1; size < output.length; size += 7) {
    const times = new FileTimes();
    for (let at = 0; at < output.length; at += size) times.read(output.slice(at, at + size));
    assert.deepEqual(times.slowest(5), [
      { file: "tests/web/b_test.ts", ms: 62_000 },
      { file: "tests/a_test.ts", ms: 1_900 },
    ]);
    assert.equal(times.slowest(1).length, 1);
  }
});

Deno.test("a single file's time is read, too, and told in seconds", () => {
  const times = new FileTimes();
  times.read(
    "running 2 tests from ./tests/a_test.ts\none ...\n  step ... ok (1s)\none ... ok (2s)\n",
  );
  times.read("two ... ok (30ms)\n");
  assert.deepEqual(timeTable(61_200, times.slowest(10)), [
    "In 1 min 1 s; the slowest files:",
    "   2.0 s  tests/a_test.ts",
  ]);
});
