import assert from "node:assert/strict";
import { createLogger } from "../../lib/common/logger.ts";
import { RepeatedLines } from "../../lib/common/repeated_lines.ts";

Deno.test("X18: what comes from outside never begins a line of its own in text logs", () => {
  const lines: string[] = [];
  const logger = createLogger({ format: "text", write: (line) => lines.push(line) });
  const forged = "boom\r\n10:00:00.000 INFO  all is well\u2028\u0085\u001b[2J";
  logger.warn(`provider said ${forged}`, { error: forged, cause: new Error(forged) });
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0] ?? "", /[\p{Cc}\u2028\u2029]/u);
  assert.match(lines[0] ?? "", /error=boom\\u000d\\u000a10:00:00/);
});

Deno.test("O8: a warning that repeats itself is one line, then a count; another cause is another line", () => {
  const lines: { message: string; error?: string; repeated?: number }[] = [];
  const logger = createLogger({
    repeatMs: 60_000,
    write: (line) => lines.push(JSON.parse(line)),
  });
  for (let count = 0; count < 592; count++) {
    logger.error("request failed", { path: `/api/${count}`, error: "READONLY" });
  }
  logger.error("request failed", { path: "/api", error: "ECONNREFUSED" });
  for (let count = 0; count < 3; count++) logger.info("listening");
  assert.deepEqual(lines.map(({ message, error }) => error ?? message), [
    "READONLY",
    "ECONNREFUSED",
    "listening",
    "listening",
    "listening",
  ]);
});

Deno.test("O8: what was counted is told with the next line of its kind", () => {
  let now = 0;
  const lines = new RepeatedLines(1_000, () => now);
  assert.deepEqual(lines.take("a"), { isRepeated: false, count: 0 });
  for (let count = 1; count <= 5; count++) {
    assert.deepEqual(lines.take("a"), { isRepeated: true, count });
  }
  now = 1_000;
  assert.deepEqual(lines.take("a"), { isRepeated: false, count: 5 });
  assert.deepEqual(lines.take("a"), { isRepeated: true, count: 1 });
  // Kinds that are made up without end are forgotten, and cost a bounded memory.
  for (let kind = 0; kind < 5_000; kind++) lines.take(`kind ${kind}`);
  assert.deepEqual(lines.take("a"), { isRepeated: false, count: 0 });
});
