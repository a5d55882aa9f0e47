import assert from "node:assert/strict";
import { TokenClock } from "../../lib/realtime/token_clock.ts";
import { until } from "../support/until.ts";

Deno.test("TokenClock ends each id once, and not before its second", async () => {
  let now = 1_000_000;
  const ended: string[] = [];
  using clock = new TokenClock((id) => ended.push(id), () => now);
  clock.add("a", 1001);
  clock.add("b", 1003);
  clock.add("gone", 1002);
  clock.delete("gone", 1002);
  now = 1_001_500;
  await until(() => ended.length === 1, { what: "the first end" });
  assert.deepEqual(ended, ["a"]);
  now = 1_003_000;
  await until(() => ended.length === 2, { what: "the second end" });
  assert.deepEqual(ended, ["a", "b"]);
});

Deno.test("TokenClock ends what is over already, and survives a clock that jumps", async () => {
  let now = 1_000_000_000;
  const ended: string[] = [];
  using clock = new TokenClock((id) => ended.push(id), () => now);
  clock.add("over", 5);
  await until(() => ended.includes("over"));
  clock.add("far", 9_000_000);
  now = 9_999_999_000;
  await until(() => ended.includes("far"));
  assert.deepEqual(ended, ["over", "far"]);
});
