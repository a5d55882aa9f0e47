import assert from "node:assert/strict";
import { AnswerClock } from "../../lib/completions/answer_clock.ts";

Deno.test("an answer is measured: until it begins, while it thinks, while it streams", () => {
  let nowMs = 100;
  const clock = new AnswerClock(() => nowMs);
  assert.equal(clock.timing(), undefined, "nothing was said");
  const steps = [[250, { reasoning: "Hm" }], [400, { reasoning: "…" }], [1_250, { content: "A" }]];
  for (const [at, chunk] of steps as [number, Record<string, string>][]) {
    nowMs = at;
    clock.see(chunk);
  }
  nowMs = 2_250;
  assert.deepEqual(clock.timing(), { first_ms: 150, streaming_ms: 2_000, reasoning_ms: 1_000 });
});

Deno.test("an answer whose words turn out to be a thought is measured as one", () => {
  let nowMs = 0;
  const clock = new AnswerClock(() => nowMs);
  clock.see({ content: "So I think" });
  nowMs = 700;
  clock.see({ wasReasoning: true, content: "Yes" });
  nowMs = 900;
  assert.deepEqual(clock.timing(), { first_ms: 0, streaming_ms: 900, reasoning_ms: 700 });
});

Deno.test("an answer without a thought has no time of thinking", () => {
  let nowMs = 0;
  const clock = new AnswerClock(() => nowMs);
  nowMs = 40;
  clock.see({ usage: { completion_tokens: 3 } });
  clock.see({ content: "Yes" });
  assert.deepEqual(clock.timing(), { first_ms: 40, streaming_ms: 0 });
});
