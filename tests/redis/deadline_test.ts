import assert from "node:assert/strict";
import { SharedDeadline } from "../../lib/redis/deadline.ts";

const never = () => new Promise<never>(() => {});

Deno.test("of many promises with one deadline each gets its full time, and what settles its own answer", async () => {
  using deadline = new SharedDeadline(60, "The test");
  const began = performance.now();
  const endOf = (promise: Promise<unknown>) =>
    deadline.limit(promise).then(
      (value) => ({ value, ms: performance.now() - began }),
      (error) => ({ code: error.code ?? error.message, ms: performance.now() - began }),
    );
  const first = endOf(never());
  const answered = endOf(Promise.resolve("here"));
  const failed = endOf(Promise.reject(new Error("no")));
  await new Promise((resolve) => setTimeout(resolve, 30));
  const second = endOf(never());
  assert.deepEqual((await answered as { value: unknown }).value, "here");
  assert.deepEqual((await failed as { code: unknown }).code, "no");
  for (const [end, leastMs] of [[await first, 59], [await second, 88]] as const) {
    assert.equal((end as { code: unknown }).code, "unavailable");
    assert.ok(end.ms >= leastMs, `${end.ms}`);
  }
  // The timer has ended with the last: another promise gets another.
  assert.equal((await endOf(never()) as { code: unknown }).code, "unavailable");
});
