import assert from "node:assert/strict";
import { ExpiryTimer } from "../../lib/realtime/expiry_timer.ts";
import { until } from "../support/until.ts";

Deno.test("ExpiryTimer ends each id once, and not before its second", async () => {
  let now = 1_000_000;
  const ended: string[] = [];
  using timer = new ExpiryTimer((id) => ended.push(id), () => now);
  timer.add("a", 1001);
  timer.add("b", 1003);
  timer.add("gone", 1002);
  timer.delete("gone", 1002);
  now = 1_001_500;
  await until(() => ended.length === 1, { what: "the first end" });
  assert.deepEqual(ended, ["a"]);
  now = 1_003_000;
  await until(() => ended.length === 2, { what: "the second end" });
  assert.deepEqual(ended, ["a", "b"]);
});

Deno.test("ExpiryTimer ends what is over already, and survives a clock that jumps", async () => {
  let now = 1_000_000_000;
  const ended: string[] = [];
  using timer = new ExpiryTimer((id) => ended.push(id), () => now);
  timer.add("over", 5);
  await until(() => ended.includes("over"));
  timer.add("far", 9_000_000);
  now = 9_999_999_000;
  await until(() => ended.includes("far"));
  assert.deepEqual(ended, ["over", "far"]);
});
