import assert from "node:assert/strict";
import { sharedReading } from "../../lib/common/shared_reading.ts";
import { until } from "../support/until.ts";

Deno.test("who asks at once shares a reading, what takes long is read less often, a failure is none", async () => {
  let readings = 0;
  let isFailing = false;
  let gate = Promise.withResolvers<void>();
  const read = sharedReading(async () => {
    const mine = ++readings;
    await gate.promise;
    if (isFailing) throw new Error("not now");
    return mine;
  }, { freshMs: 500, share: 1, maxMs: 60 });

  const both = Promise.all([read(), read()]);
  gate.resolve();
  assert.deepEqual(await both, [1, 1]);
  assert.equal(await read(), 1, "it is fresh");
  await until(async () => await read() === 2, { what: "the next reading" });

  // One that takes 700 ms counts for 60 ms more, and no longer.
  gate = Promise.withResolvers<void>();
  const atMs = performance.now();
  setTimeout(() => gate.resolve(), 700);
  await until(async () => await read() === 3, { what: "a slow reading" });
  await until(async () => await read() === 4, { what: "the one after it" });
  assert.ok(performance.now() - atMs >= 750, "it was asked too soon");

  isFailing = true;
  await until(() => read().then(() => false, () => true), { what: "the failure" });
  isFailing = false;
  assert.ok(await read() > 4, "who asks next tries again");
});
