import assert from "node:assert/strict";
import {
  deadline,
  settledWithin,
  SharedDeadline,
  timeoutSignal,
} from "../../lib/common/deadline.ts";
import { AppError } from "../../lib/common/errors.ts";
import { pause } from "../../lib/common/pause.ts";

const never = () => new Promise<never>(() => {});
/** Longer than any test: whoever still waits for it has not been told. */
const LONG_MS = 600_000;

Deno.test("a deadline gives what the work gives, and leaves no timer", async () => {
  assert.equal(await deadline(Promise.resolve("here"), LONG_MS, "The test"), "here");
  const failure = new Error("no");
  await assert.rejects(deadline(Promise.reject(failure), LONG_MS, "The test"), failure);
});

Deno.test("a deadline names what did not answer, or throws the error that it is given", async () => {
  await assert.rejects(deadline(never(), 10, "The test"), {
    code: "unavailable",
    message: "The test: no answer within 10 ms",
  });
  const own = () => new AppError("timeout", "Too late.");
  await assert.rejects(deadline(never(), 10, own), { code: "timeout", message: "Too late." });
});

Deno.test("a failure after the deadline is nobody's unhandled rejection", async () => {
  const work = Promise.withResolvers<never>();
  await assert.rejects(deadline(work.promise, 1, "The test"));
  work.reject(new Error("late"));
  await pause(0);
});

Deno.test("settledWithin says whether the work came to an end, whatever the end", async () => {
  assert.equal(await settledWithin(Promise.resolve(), LONG_MS), true);
  assert.equal(await settledWithin(Promise.reject(new Error("no")), LONG_MS), true);
  assert.equal(await settledWithin(never(), 5), false);
});

Deno.test("a timeout signal is aborted with its error, and disposed of leaves no timer", async () => {
  using timeout = timeoutSignal(5, "The test");
  assert.equal(timeout.signal.aborted, false);
  await pause(LONG_MS, timeout.signal);
  assert.match(String(timeout.signal.reason), /The test: no answer within 5 ms/);
  using unused = timeoutSignal(LONG_MS, "The test");
  assert.equal(unused.signal.aborted, false);
});

Deno.test("of many promises with one deadline each gets its full time, and what settles its own answer", async () => {
  using shared = new SharedDeadline(60, "The test");
  const began = performance.now();
  const endOf = (promise: Promise<unknown>) =>
    shared.limit(promise).then(
      (value) => ({ value, ms: performance.now() - began }),
      (error) => ({ code: error.code ?? error.message, ms: performance.now() - began }),
    );
  const first = endOf(never());
  const answered = endOf(Promise.resolve("here"));
  const failed = endOf(Promise.reject(new Error("no")));
  await pause(30);
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
