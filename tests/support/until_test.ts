import assert from "node:assert/strict";
import { until } from "./until.ts";

Deno.test("what is waited for in vain is named, by its source where it has no name", async () => {
  const heard: string[] = [];
  await assert.rejects(until(() => heard.length === 2, { limitMs: 20 }), {
    message: "Waited 20 ms in vain for heard.length === 2",
  });
  await assert.rejects(until(() => heard.length === 2, { limitMs: 20, what: "the words" }), {
    message: "Waited 20 ms in vain for the words",
  });
});

Deno.test("a condition that hangs ends at the limit, one that throws at once", async () => {
  const hangs = until(() => new Promise<boolean>(() => {}), { limitMs: 20, what: "an answer" });
  await assert.rejects(hangs, { message: "Waited 20 ms in vain for an answer" });
  const throws = until(() => {
    throw new Error("its own");
  });
  await assert.rejects(throws, { message: "its own" });
});

Deno.test("what comes true is returned", async () => {
  let asked = 0;
  assert.equal(await until(() => ++asked === 3 && "three"), "three");
});
