import assert from "node:assert/strict";
import * as v from "valibot";
import type { Bus } from "../../../lib/bus/bus.ts";
import { MemoryHub } from "../../../lib/bus/kv_bus.ts";
import type { Subscription, Topic } from "../../../lib/bus/topics.ts";
import { silentLogger } from "../../../lib/common/logger.ts";
import { type OnBus, onBus } from "../../support/faulty_bus.ts";
import { until } from "../../support/until.ts";

export interface BusUnderTest extends AsyncDisposable {
  /** An instance's place on the bus. */
  openBus: () => Promise<Bus>;
  /** Makes every instance miss something, as far as it can know. */
  lose?: () => Promise<void>;
  /** Takes the bus away for a while; the result brings it back. */
  takeAway?: () => Promise<() => void | Promise<void>>;
}

const numbers: Topic<number | string> = {
  name: "numbers: of 100 %",
  schema: v.union([v.number(), v.string()]),
};
const others: Topic<number | string> = { ...numbers, name: "others" };
const countTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** What an instance hears of a topic. */
class Heard implements AsyncDisposable {
  readonly messages: (number | string)[] = [];
  gaps = 0;
  /** So many calls of `onGap` fail. */
  failing = 0;
  readonly #subscription: Subscription;

  constructor({ topics }: OnBus, topic: Topic<number | string>) {
    this.#subscription = topics.subscribe(topic, {
      onMessage: (message) => void this.messages.push(message),
      onGap: () => {
        if (this.failing-- > 0) throw new Error("the store is away");
        this.gaps++;
      },
    });
  }

  static async of(instance: OnBus, topic = numbers): Promise<Heard> {
    const heard = new Heard(instance, topic);
    await heard.#subscription.whenLive();
    return heard;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subscription.unsubscribe();
  }
}

/** What instances may rely on when they tell each other something, over every bus. */
export function runBusContract(
  name: string,
  setUp: () => Promise<BusUnderTest>,
  { ignore = false } = {},
): void {
  const test = (
    what: string,
    fn: (a: OnBus, b: OnBus, under: BusUnderTest) => Promise<void>,
  ) =>
    Deno.test({
      name: `${name}: ${what}`,
      ignore,
      async fn() {
        await using under = await setUp();
        // A busy machine takes its time for what is large.
        const patient = { publishTimeoutMs: 60_000 };
        await using a = onBus(await under.openBus(), patient);
        await using b = onBus(await under.openBus(), patient);
        await until(() => a.bus.isAlone?.() !== true && b.bus.isAlone?.() !== true, {
          what: "the instances to meet",
        });
        await fn(a, b, under);
      },
    });

  test("what one tells is heard in its order, once, and not by itself", async (a, b) => {
    await using own = await Heard.of(a);
    await using heard = await Heard.of(b);
    await using other = await Heard.of(b, others);
    await Promise.all(countTo(1_000).map((n) => a.topics.publish(numbers, n)));
    await until(() => heard.messages.length >= 1_000, { what: "all messages" });
    assert.deepEqual(heard.messages, countTo(1_000));
    assert.deepEqual([own.messages, other.messages, heard.gaps], [[], [], 0]);
    await a.topics.announce(numbers, "here, too");
    assert.deepEqual(own.messages, ["here, too"]);
  });

  test("T5: a large message arrives whole, smaller ones on other topics pass it", async (a, b) => {
    await using heard = await Heard.of(b);
    await using other = await Heard.of(b, others);
    const large = "é😀".repeat(2_000_000);
    const sent = a.topics.publish(numbers, large);
    await a.topics.publish(others, 1);
    await until(() => other.messages.length === 1, { what: "the small one" });
    assert.equal(heard.messages.length, 0);
    await sent;
    await until(() => heard.messages.length === 1, { limitMs: 30_000, what: "the large one" });
    assert.ok(heard.messages[0] === large);
    assert.equal(heard.gaps, 0);
  });

  test("hostile messages and a failing subscriber harm nobody", async (a, b) => {
    await using failing = b.topics.subscribe(numbers, {
      onMessage: () => {
        throw new Error("no");
      },
      onGap() {},
    });
    await failing.whenLive();
    await using heard = await Heard.of(b);
    const channel = `topic#${numbers.name}`;
    const hostile = ["", "\n", "x", "a 1\n{", "a 2\nnull", 'a 3\n{"__proto__":1}', "a 4 1 7 3\nx"];
    for (const text of [...hostile, "a 5 1 0 12288\nx"]) await a.bus.publish(channel, text);
    await a.transport.deliver(channel, { not: "a number" });
    await a.topics.publish(numbers, 1);
    await until(() => heard.messages.length === 1, { what: "the sound one" });
    assert.deepEqual(heard.messages, [1]);
  });

  test("others' channels: exact names, raw texts, in order from one to the other", async (a, b) => {
    const heard = { a: [] as string[], b: [] as string[] };
    const names = ["plain", "plain#/#room:1"];
    for (const [instance, texts] of [[a, heard.a], [b, heard.b]] as const) {
      const listenings = names.map((name) =>
        instance.bus.plain.listen(name, { onMessage: (text) => void texts.push(text) })
      );
      await Promise.all(listenings.map(({ live }) => live));
    }
    const sent = countTo(300).map((n) => `${n} {"é`);
    await Promise.all(sent.map((text, n) => a.bus.plain.publish(names[n % 2] ?? "", text)));
    await until(() => heard.a.length >= 300 && heard.b.length >= 300, { what: "all texts" });
    assert.deepEqual(heard.b, sent);
    assert.deepEqual(heard.a, sent, "also to who sent them");
    await using named = a.commands.subscribe({
      onMessage: (text) => void heard.a.push(text),
      onGap() {},
    });
    await named.whenLive();
    await b.commands.publish("stop");
    await until(() => heard.a.at(-1) === "stop", { what: "the command" });
  });

  test("who unsubscribes hears no more; who subscribes again, does", async (a, b) => {
    const first = await Heard.of(b);
    const second = await Heard.of(b);
    await first[Symbol.asyncDispose]();
    await a.topics.publish(numbers, 1);
    await until(() => second.messages.length === 1, { what: "the one who is left" });
    await second[Symbol.asyncDispose]();
    await using third = await Heard.of(b);
    await a.topics.publish(numbers, 2);
    await until(() => third.messages.length === 1, { what: "the one who came back" });
    assert.deepEqual([first.messages, second.messages, third.messages], [[], [1], [2]]);
  });

  test(
    "a text over the limit, a second listener, and a closed bus are refused",
    async (a, _b, under) => {
      const { bus } = a;
      const tooLarge = "x".repeat(bus.maxChars + 1);
      await assert.rejects(bus.publish("c", tooLarge), { code: "too_large" });
      const listening = bus.listen("c", { onMessage() {} });
      assert.throws(() => bus.listen("c", { onMessage() {} }), TypeError);
      listening.stop();
      bus.listen("c", { onMessage() {} }).stop();
      const closing = await under.openBus();
      await closing[Symbol.asyncDispose]();
      await assert.rejects(closing.publish("c", "x"), { code: "unavailable" });
    },
  );

  test("a gap is told once, and asked about until that has succeeded", async (a, b, under) => {
    if (!under.lose) return assert.equal(name, "kv memory", "nothing can be lost in a process");
    await using heard = await Heard.of(b);
    heard.failing = 2;
    await under.lose();
    await until(() => heard.gaps === 1, { what: "the gap" });
    await a.topics.publish(numbers, 1);
    await until(() => heard.messages.length === 1, { what: "what came after" });
    assert.equal(heard.gaps, 1);
    assert.equal(heard.failing, -1, "two calls that failed, and one");
  });

  test(
    "an outage: what was told meanwhile arrives in order, or a gap is told",
    async (a, b, under) => {
      if (!under.takeAway) return assert.match(name, /^kv (memory|file)$/, "they are never away");
      await using heard = await Heard.of(b);
      await a.topics.publish(numbers, -1);
      const bringBack = await under.takeAway();
      const told = countTo(20).map((n) => a.topics.publish(numbers, n).catch(() => {}));
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await bringBack();
      await Promise.all(told);
      await until(() => heard.messages.length === 21 || heard.gaps > 0, {
        limitMs: 60_000,
        what: "the messages, or the gap",
      });
      const numbersHeard = heard.messages.map(Number);
      assert.deepEqual(numbersHeard, numbersHeard.toSorted((m, n) => m - n), "in order");
      assert.equal(new Set(numbersHeard).size, numbersHeard.length, "once");
      await until(async () => {
        await a.topics.publish(numbers, 99).catch(() => {});
        return heard.messages.includes(99);
      }, { limitMs: 60_000, everyMs: 100, what: "what comes after" });
    },
  );
}

/** Instances in one process. */
export function memoryBus(): Promise<BusUnderTest> {
  const hub = new MemoryHub(silentLogger);
  return Promise.resolve({
    openBus: () => Promise.resolve(hub.connect()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}
