import assert from "node:assert/strict";
import { parseOptions } from "./options.ts";
import { tableOf } from "./report.ts";
import { lagIn, longestPause } from "./samples.ts";

const metrics = (upTo10: number, upTo500: number, all: number) =>
  `rt_event_loop_lag_seconds_bucket{le="0.01"} ${upTo10}
rt_event_loop_lag_seconds_bucket{le="0.5"} ${upTo500}
rt_event_loop_lag_seconds_bucket{le="+Inf"} ${all}
rt_event_loop_lag_seconds_count ${all}`;

Deno.test("the longest pause is the end of the range into which one fell since the last look", () => {
  const before = lagIn(metrics(10, 12, 13));
  assert.equal(longestPause(before, lagIn(metrics(20, 22, 23))), 10);
  assert.equal(longestPause(before, lagIn(metrics(20, 23, 24))), 500);
  assert.equal(longestPause(before, lagIn(metrics(20, 22, 24))), Infinity);
});

Deno.test("the table has one row for so many samples, with the worst of each", () => {
  const samples = Array.from({ length: 100 }, (_, at) => ({
    ...{ atMs: at * 10_000, rssMiB: 100 + at, cpu: 0.5, answerMs: 1 },
    pauseMs: at === 42 ? 5_000 : 10,
  }));
  const rows = tableOf(samples).split("\n").slice(2);
  assert.equal(rows.length, 20);
  assert.equal(rows.filter((row) => row.includes("up to 5000 ms")).length, 1);
  assert.match(rows.at(-1) ?? "", /\| 199 MiB \| 50 % \|/);
});

Deno.test("a wrong argument is named, with what is allowed", () => {
  assert.equal(parseOptions([]).sockets, 5_000);
  assert.equal(parseOptions(["--minutes=0.5"]).minutes, 0.5);
  assert.throws(() => parseOptions(["--minutes=soon"]), /"--minutes=soon": a number from 0 to/);
  assert.throws(() => parseOptions(["--socket=1"]), /Unknown: "--socket=1"; known: --minutes/);
});
