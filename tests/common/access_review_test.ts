import assert from "node:assert/strict";
import { AccessReview } from "../../lib/common/access_review.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { until } from "../support/until.ts";

/** A question whose answers are given, and fail, on demand. */
function question(key: string) {
  const log: unknown[] = [];
  let answer: () => Promise<unknown> = () => Promise.resolve(true);
  let concerned = true;
  let asked = 0;
  return {
    log,
    asked: () => asked,
    answers: (give: () => Promise<unknown>) => answer = give,
    nobodyIsLeft: () => concerned = false,
    key,
    ask: () => (asked++, answer()),
    apply: (known: unknown) => void log.push(known),
    matters: () => concerned,
  };
}

const away = () => Promise.reject(new Error("the store is away"));

Deno.test("what the store can't tell stays, is asked again until it is known, and is logged once", async () => {
  const { logger, lines } = keepingLogger();
  using review = new AccessReview({ what: "channels", logger });
  const one = question("one"), other = question("other");
  for (const each of [one, other]) each.answers(away);
  await review.askAll([one, other]);
  assert.deepEqual([one.log, other.log, review.owed], [[], [], 2]);
  await until(() => one.asked() > 3, { what: "several tries" });
  assert.deepEqual([one.log, other.log], [[], []]);
  for (const each of [one, other]) each.answers(() => Promise.resolve(false));
  await until(() => review.owed === 0 && lines.length === 2, { what: "the answers" });
  assert.deepEqual([one.log, other.log], [[false], [false]]);
  assert.match(lines[0] ?? "", /access to channels not known.*the store is away/);
  assert.match(lines[1] ?? "", /access to channels known again/);
});

Deno.test("of two questions about the same the newer one's answer counts, whichever comes first", async () => {
  using review = new AccessReview({ what: "channels", logger: silentLogger });
  const old = question("same"), fresh = question("same");
  const late = Promise.withResolvers<unknown>();
  old.answers(() => late.promise);
  const first = review.ask(old);
  await review.ask(fresh);
  late.resolve("of yesterday");
  await first;
  assert.deepEqual([old.log, fresh.log], [[], [true]]);

  const failing = Promise.withResolvers<unknown>();
  old.answers(() => failing.promise);
  const second = review.ask(old);
  await review.ask(fresh);
  failing.reject(new Error("away"));
  await second;
  assert.equal(review.owed, 0, "an old question's failure owes nothing");
});

Deno.test("a question that concerns nobody any more is dropped", async () => {
  using review = new AccessReview({ what: "channels", logger: silentLogger });
  const one = question("one");
  one.answers(away);
  await review.ask(one);
  one.nobodyIsLeft();
  await until(() => review.owed === 0, { what: "the question to be dropped" });
  assert.equal(one.asked(), 1);
});
