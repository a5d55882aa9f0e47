import assert from "node:assert/strict";
import { watchEventLoop } from "../../lib/common/event_loop.ts";
import { Metrics } from "../../lib/common/metrics.ts";
import { until } from "../support/until.ts";

Deno.test("values are read when scraped, and registries share nothing", async () => {
  const metrics = new Metrics();
  let sockets = 1;
  metrics.gauge("sockets", "Open sockets", () => sockets);
  metrics.gauges("transport", "Of the transport", () => ({ cut: 2 }));
  metrics.durations("store_seconds", "Round trips").add(2);
  sockets = 7;
  const text = await metrics.text();
  assert.match(text, /^sockets 7$/m);
  assert.match(text, /^transport\{what="cut"\} 2$/m);
  assert.match(text, /^store_seconds_sum 0\.002$/m);
  assert.equal((await new Metrics().text()).trim(), "");
});

Deno.test("the text is Prometheus' own: types, escaped labels, rising buckets", async () => {
  const metrics = new Metrics();
  metrics.counts("refusals_total", "By\ncode", "code", () => ({ 'a"b\\c\n': 3 }));
  const lag = metrics.durations("lag_seconds", "Lag");
  for (const ms of [0.05, 3, 3, 7_000]) lag.add(ms);
  const lines = (await metrics.text()).split("\n");
  assert.equal(lines[0], "# HELP refusals_total By\\ncode");
  assert.equal(lines[1], "# TYPE refusals_total counter");
  assert.equal(lines[2], 'refusals_total{code="a\\"b\\\\c\\n"} 3');
  assert.ok(lines.includes('lag_seconds_bucket{le="0.0001"} 1'));
  assert.ok(lines.includes('lag_seconds_bucket{le="0.005"} 3'));
  assert.ok(lines.includes('lag_seconds_bucket{le="5"} 3'));
  assert.ok(lines.includes('lag_seconds_bucket{le="+Inf"} 4'));
  assert.ok(lines.includes("lag_seconds_count 4"));
});

Deno.test("a loop that stands still is seen once, as late as it stood", async () => {
  const looks: number[] = [];
  using _watch = watchEventLoop({ everyMs: 5, onLag: (lagMs) => looks.push(lagMs) });
  await until(() => looks.length > 0, { what: "a first look" });
  const before = looks.length;
  const end = performance.now() + 60;
  while (performance.now() < end);
  await until(() => looks.length > before, { what: "a look after the stand" });
  assert.ok((looks[before] ?? 0) >= 40, `${looks}`);
});
