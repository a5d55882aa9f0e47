import assert from "node:assert/strict";
import { limited } from "./limited.ts";

type Fn = (context: unknown) => Promise<unknown>;
const never = () => new Promise(() => {});

Deno.test("a test that hangs fails, and its error names the line it was written on", async () => {
  const forms: unknown[][] = [
    ["hangs", never],
    [{ name: "hangs", fn: never }],
    ["hangs", { ignore: false }, never],
    [{ name: "hangs" }, never],
    [never],
  ];
  for (const form of forms) {
    const args = limited(form, 5);
    const fn = (args.at(-1) as { fn?: Fn }).fn ?? args.at(-1) as Fn;
    await assert.rejects(fn({}), (error: Error) => {
      assert.equal(error.message, "The test has not ended within 0.005 s");
      return error.stack?.includes("limited_test.ts") ?? false;
    });
  }
});

Deno.test("a test within the limit is as it was: context, failure, name, options", async () => {
  const contexts: unknown[] = [];
  const [options, fn] = limited([{ ignore: true }, function named(context: unknown) {
    contexts.push(context);
  }], 5_000) as [unknown, Fn];
  await fn("the context");
  assert.deepEqual(options, { ignore: true });
  assert.deepEqual(contexts, ["the context"]);
  assert.equal(fn.name, "named");
  const [failing] = limited([() => Promise.reject(new Error("its own"))], 5_000) as [Fn];
  await assert.rejects(failing({}), { message: "its own" });
});
