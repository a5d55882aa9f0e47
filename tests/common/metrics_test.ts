import assert from "node:assert/strict";
import { EventLoopMonitor } from "../../lib/common/event_loop.ts";
import { Metrics } from "../../lib/common/metrics.ts";
import { until } from "../support/until.ts";

Deno.test("values are read when scraped, and registries share nothing", async () => {
  const metrics = new Metrics();
  let sockets = 1;
  metrics.gauge("sockets", "Open sockets", () => sockets);
  metrics.readings("transport", "Of the transport", () => ({ cut: 2 }));
  metrics.durations("store_seconds", "Round trips")(2);
  sockets = 7;
  const text = await metrics.text();
  assert.match(text, /^sockets 7$/m);
  assert.match(text, /^transport\{what="cut"\} 2$/m);
  assert.match(text, /^store_seconds_sum 0\.002$/m);
  assert.equal((await new Metrics().text()).trim(), "");
});

Deno.test("labels are bounded", async () => {
  const metrics = new Metrics();
  const events = metrics.counter("events", "By name", "event");
  for (let n = 0; n < 1_000; n++) events.count(`event-${n}`);
  const series = (await metrics.text()).match(/^events\{/gm) ?? [];
  assert.equal(series.length, 201);
  assert.match(await metrics.text(), /^events\{event="other"\} 800$/m);
});

Deno.test("a loop that stands still is seen once", async () => {
  let looks = 0;
  using monitor = new EventLoopMonitor({ intervalMs: 5, onLag: () => looks++ });
  await until(() => looks > 0, { limitMs: 2_000, what: "a first look" });
  const end = performance.now() + 60;
  while (performance.now() < end);
  const before = looks;
  await until(() => looks > before, { limitMs: 2_000, what: "a look after the stand" });
  const lag = monitor.take();
  assert.ok(
    lag.maxMs >= 40 && lag.maxMs >= lag.p99Ms && lag.p99Ms >= lag.p50Ms,
    JSON.stringify(lag),
  );
  assert.deepEqual(monitor.take(), { p50Ms: 0, p99Ms: 0, maxMs: 0 });
});
