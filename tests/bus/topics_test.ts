import assert from "node:assert/strict";
import * as v from "valibot";
import { Resync } from "../../lib/bus/resync.ts";
import type { Topic } from "../../lib/bus/topics.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { FaultyHub, onBus } from "../support/faulty_bus.ts";
import { until } from "../support/until.ts";

const news: Topic<string> = { name: "news", schema: v.string() };

/** One who tells, with little patience, and one who hears. */
function teller() {
  const hub = new FaultyHub();
  const from = onBus(hub.connect(), { publishTimeoutMs: 100, maxAgeMs: 300 });
  const to = onBus(hub.connect());
  const heard: string[] = [];
  let gaps = 0;
  const subscription = to.topics.subscribe(news, {
    onMessage: (text) => void heard.push(text),
    onGap: () => void gaps++,
  });
  return {
    hub,
    from,
    heard,
    gaps: () => gaps,
    async [Symbol.asyncDispose]() {
      await subscription.unsubscribe();
      await from[Symbol.asyncDispose]();
      await to[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a bus that is away for a moment delays a message, and nobody is told", async () => {
  await using all = teller();
  all.hub.isAway = true;
  const told = all.from.topics.publish(news, "late");
  await until(() => all.hub.refused > 0, { what: "a refusal" });
  all.hub.isAway = false;
  await told;
  await until(() => all.heard.length === 1, { what: "the message" });
  assert.equal(all.gaps(), 0);
});

Deno.test("what could not be told in time is refused, and told all the same when the bus is back", async () => {
  await using all = teller();
  all.hub.isAway = true;
  await assert.rejects(all.from.topics.publish(news, "late"), { code: "unavailable" });
  all.hub.isAway = false;
  await until(() => all.heard.length === 1, { what: "the message" });
  assert.equal(all.gaps(), 0);
});

Deno.test("what is given up becomes one gap that is owed until it has been told", async () => {
  await using all = teller();
  all.hub.isAway = true;
  const told = ["a", "b", "c"].map((text) => all.from.topics.publish(news, text));
  await Promise.allSettled(told);
  await until(() => all.from.transport.stats().dropped === 3, { what: "all to be given up" });
  const { refused } = all.hub;
  await until(() => all.hub.refused > refused + 3, { what: "tries to tell of the gap" });
  assert.equal(all.gaps(), 0);
  all.hub.isAway = false;
  await until(() => all.gaps() > 0, { what: "the gap" });
  await all.from.topics.publish(news, "after");
  await until(() => all.heard.length === 1, { what: "what came after" });
  assert.deepEqual([all.heard, all.gaps()], [["after"], 1]);
});

Deno.test("who can't listen in time is told so, and who ends owes nothing", async () => {
  const hub = new FaultyHub();
  const bus = hub.connect();
  const never = Promise.withResolvers<void>();
  await using deaf = onBus({
    ...bus,
    listen: () => ({ live: never.promise, stop: () => never.resolve() }),
  });
  const subscription = deaf.topics.subscribe(news, { onMessage() {}, onGap() {} });
  await assert.rejects(subscription.whenLive(20), { code: "unavailable" });
  await subscription.unsubscribe();
  await using from = onBus(hub.connect(), { maxAgeMs: 20 });
  hub.isAway = true;
  await assert.rejects(from.topics.publish(news, "lost"), { code: "unavailable" });
  // The sanitizer of the test would see a timer that is left behind.
});

Deno.test("a resync runs until it has succeeded; requests meanwhile are one run more", async () => {
  let runs = 0;
  let failures = 2;
  const hold = Promise.withResolvers<void>();
  await using resync = new Resync("test", async () => {
    runs++;
    if (failures-- > 0) throw new Error("away");
    if (runs === 3) await hold.promise;
  }, logger);
  for (let n = 0; n < 5; n++) resync.request();
  await until(() => runs === 3, { what: "the run that succeeds" });
  for (let n = 0; n < 5; n++) resync.request();
  hold.resolve();
  await until(() => runs === 4, { what: "one more run" });
  resync.request();
  await until(() => runs === 5, { what: "a run by itself" });
});

Deno.test("a resync that ends is not tried again", async () => {
  let runs = 0;
  const resync = new Resync("test", () => {
    runs++;
    return Promise.reject(new Error("away"));
  }, logger);
  resync.request();
  await until(() => runs > 0, { what: "the first run" });
  await resync[Symbol.asyncDispose]();
  const before = runs;
  resync.request();
  await Promise.resolve();
  assert.equal(runs, before);
});
