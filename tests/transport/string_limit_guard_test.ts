import assert from "node:assert/strict";
import { guardStringLimit } from "../../lib/transport/string_limit_guard.ts";

/** Dispatches what the runtime would, and says whether it was taken. */
function isTaken(reason: unknown): boolean {
  const promise = Promise.reject(reason);
  promise.catch(() => {});
  const event = new PromiseRejectionEvent("unhandledrejection", {
    promise,
    reason,
    cancelable: true,
  });
  globalThis.dispatchEvent(event);
  return event.defaultPrevented;
}

Deno.test("a text over V8's limit is taken, every other rejection goes on", () => {
  const limit = new TypeError("failed to allocate string; buffer exceeds maximum length");
  let overruns = 0;
  {
    using _guard = guardStringLimit(() => overruns++);
    assert.equal(isTaken(limit), true);
    for (const other of [new TypeError("x is not a function"), new Error("failed"), "text", null]) {
      assert.equal(isTaken(other), false);
    }
  }
  assert.equal(isTaken(limit), false);
  assert.equal(overruns, 1);
});
