import assert from "node:assert/strict";
import fc from "fast-check";
import { Reassembler } from "../../lib/bus/reassembler.ts";
import type { Bus, ChannelHandlers } from "../../lib/bus/bus.ts";
import { decodeMessage, encodeMessage } from "../../lib/bus/codec.ts";
import { ReliableTransport } from "../../lib/bus/reliable_transport.ts";
import {
  countParts,
  decodeFrame,
  encodeFrame,
  MAX_HEADER_CHARS,
  partEnd,
} from "../../lib/bus/frame.ts";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { until } from "../support/until.ts";

/** As on Redis. */
const MAX_CHARS = 170_000;
const MAX_PART_CHARS = MAX_CHARS - MAX_HEADER_CHARS;

/** A bus within the test that can be slow, refuse, and lose its receipts. */
class FakeBus implements Bus {
  readonly name = "fake";
  readonly maxChars = MAX_CHARS;
  readonly published: string[] = [];
  longest = 0;
  /** What becomes of the next publishes: `lost receipt` delivers and fails all the same. */
  fate: () => "delivered" | "refused" | "lost receipt" | "impossible" = () => "delivered";
  readonly #channels = new Map<string, Set<ChannelHandlers>>();

  async publish(channel: string, text: string): Promise<void> {
    await Promise.resolve();
    const fate = this.fate();
    if (fate === "impossible") throw new AppError("too_large", "no");
    if (fate === "refused") throw new AppError("unavailable", "away");
    this.published.push(channel);
    this.longest = Math.max(this.longest, new TextEncoder().encode(text).length);
    for (const { onMessage } of this.#channels.get(channel) ?? []) onMessage(text);
    if (fate === "lost receipt") throw new AppError("unavailable", "no receipt");
  }

  listen(channel: string, handlers: ChannelHandlers) {
    const all = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, all.add(handlers));
    return { live: Promise.resolve(), stop: () => void all.delete(handlers) };
  }

  get plain(): never {
    throw new Error("The transport has no use for plain channels");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function pair(options: Partial<ConstructorParameters<typeof ReliableTransport>[0]> = {}) {
  const bus = new FakeBus();
  const from = new ReliableTransport({ bus, logger, ...options });
  const to = new ReliableTransport({ bus, logger });
  const heard: unknown[] = [];
  const gaps: unknown[][] = [];
  to.listen("c", {
    onMessage: (message) => heard.push(message),
    onGap: () => gaps.push([...heard]),
  });
  return {
    bus,
    from,
    to,
    heard,
    /** What had been heard when each gap was told. */
    gaps,
    async [Symbol.asyncDispose]() {
      await from[Symbol.asyncDispose]();
      await to[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a message comes back as it was, bytes included", () => {
  const seed = Date.now();
  const withBytes = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.jsonValue(),
      fc.uint8Array(),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.string().filter((key) => key !== "__proto__"), tie("value"), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(withBytes, (value) => {
      const plain = JSON.stringify(value, hex);
      assert.equal(
        JSON.stringify(decodeMessage(encodeMessage({ value })), hex),
        `{"value":${plain}}`,
      );
    }),
    { seed, numRuns: 300 },
  );
});

function hex(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (original instanceof Uint8Array) return `hex ${[...original]}`;
  return Object.is(value, -0) ? 0 : value;
}

Deno.test("any text is a frame or none, and never a fault", () => {
  const seed = Date.now();
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(9), (body, seq, index) => {
      const whole = { sender: "a-1", seq, body };
      assert.deepEqual(decodeFrame(encodeFrame(whole)), whole);
      const part = { ...whole, part: { message: seq, index, count: 10 } };
      assert.deepEqual(decodeFrame(encodeFrame(part)), part);
      decodeFrame(body);
    }),
    { seed, numRuns: 300 },
  );
  for (
    const text of ["", "\n", "a b\n", "a 1 1 5 5\n", "a 1 1 0 99999\n", `${"a".repeat(999)} 1\n`]
  ) {
    assert.equal(decodeFrame(text), undefined);
  }
});

Deno.test("parts end between characters and are less than 512 KiB", () => {
  for (const text of ["😀".repeat(200_000), "x" + "😀".repeat(200_000), "€".repeat(400_000), ""]) {
    const parts: string[] = [];
    for (let at = 0; at < text.length;) {
      const end = partEnd(text, at, MAX_PART_CHARS);
      parts.push(text.slice(at, end));
      at = end;
    }
    assert.ok(parts.join("") === text);
    assert.equal(countParts(text, MAX_PART_CHARS), Math.max(1, parts.length));
    for (const part of parts) {
      assert.ok(part.isWellFormed());
      assert.ok(new TextEncoder().encode(part).length < 512 * 1024);
    }
  }
});

Deno.test("order and once: through refusals and lost receipts", async () => {
  const seed = Date.now();
  let state = seed >>> 0;
  const random = () => (state = (state * 1_664_525 + 1_013_904_223) >>> 0) / 2 ** 32;
  await using all = pair();
  // As on one connection: from the first failure on, a batch fails.
  let isDown = false;
  all.bus.fate = () => {
    if (isDown) return "refused";
    const dice = random();
    if (dice < 0.003) isDown = true;
    if (isDown) setTimeout(() => isDown = false, 5);
    return isDown ? (dice < 0.0015 ? "lost receipt" : "refused") : "delivered";
  };
  for (let n = 0; n < 1_000; n++) all.from.send("c", n);
  await until(() => all.heard.length >= 1_000, { what: `all messages, seed ${seed}` });
  assert.deepEqual(all.heard, Array.from({ length: 1_000 }, (_, n) => n), `seed ${seed}`);
  await until(() => !isDown, { what: "the end of an outage that began with the last" });
});

Deno.test("what is sent again goes in its order, whatever the order of the refusals", async () => {
  await using all = pair();
  const refusals: (() => void)[] = [];
  const { publish } = all.bus;
  all.bus.publish = () =>
    new Promise((_, reject) => refusals.push(() => reject(new AppError("unavailable", "away"))));
  for (let n = 0; n < 50; n++) all.from.send("c", n);
  await until(() => refusals.length === 50, { what: "all to be under way" });
  all.bus.publish = publish;
  for (const refuse of refusals.reverse()) refuse();
  await until(() => all.heard.length === 50, { what: "all messages" });
  assert.deepEqual(all.heard, Array.from({ length: 50 }, (_, n) => n));
  assert.deepEqual(all.gaps, [], "nothing was given up");
});

Deno.test("a large message lets others pass, but not those behind it on its channel", async () => {
  await using all = pair();
  all.from.send("c", "x".repeat(20 * MAX_PART_CHARS));
  all.from.send("c", "behind");
  all.from.send("other", "passing");
  await until(() => all.heard.length === 2, { what: "both" });
  assert.equal(all.heard[1], "behind");
  assert.ok(all.bus.published.indexOf("other") <= 1);
  assert.ok(all.bus.longest < 512 * 1024);
});

Deno.test("an outage: bounded by number, size and age, and the rest goes on", async () => {
  await using all = pair({ maxMessages: 10, maxChars: 1_000, maxAgeMs: 200 });
  all.bus.fate = () => "refused";
  for (let n = 0; n < 50; n++) all.from.send("c", n);
  await assert.rejects(all.from.deliver("c", "x".repeat(2_000)), { code: "unavailable" });
  assert.equal(all.from.stats().pendingMessages <= 10, true);
  await until(() => all.from.stats().dropped === 51, { what: "the old ones to be dropped" });
  assert.equal(all.from.stats().pendingChars, 0);
  all.bus.fate = () => "delivered";
  all.from.send("c", "after");
  await until(() => all.heard.length === 1 && all.gaps.length > 0, { what: "what came after" });
  assert.deepEqual(all.heard, ["after"]);
  assert.equal(all.gaps.length, 1, "one gap is told, however much was given up");
});

Deno.test("what the bus refuses for good, and what can't be encoded, is dropped alone", async () => {
  await using all = pair();
  const circular: unknown[] = [];
  circular.push(circular);
  await assert.rejects(all.from.deliver("c", circular), RangeError);
  all.bus.fate = () => "impossible";
  all.from.send("c", 1);
  await until(() => all.from.stats().dropped === 1);
  all.bus.fate = () => "delivered";
  all.from.send("c", 2);
  await until(() => all.heard.length === 1);
  assert.deepEqual(all.heard, [2]);
});

Deno.test("nonsense on the bus is counted, and harms nothing", async () => {
  await using all = pair();
  for (const text of ["", "a 1\n{", "nonsense", "a 2 1 7 3\nx"]) await all.bus.publish("c", text);
  all.from.send("c", "sense");
  await until(() => all.heard.length === 1);
  assert.equal(all.to.stats().invalid, 4);
});

Deno.test("unfinished messages are bounded in number, size and time", async () => {
  using reassembler = new Reassembler({ maxMessages: 2, maxChars: 100, timeoutMs: 100 });
  const add = (sender: string, index: number, body: string) =>
    reassembler.add({ sender, seq: 0, body, part: { message: 0, index, count: 3 } });
  assert.equal(add("a", 0, "x".repeat(20)), undefined);
  assert.equal(add("b", 0, "x".repeat(40)), undefined, "would take 120 in the end");
  assert.equal(add("c", 0, "x"), undefined);
  assert.equal(add("d", 0, "x"), undefined, "a third");
  assert.deepEqual([reassembler.pending, reassembler.dropped], [2, 2]);
  add("a", 2, "z");
  add("a", 2, "again");
  assert.equal(add("a", 1, "y"), "x".repeat(20) + "y" + "z");
  await until(() => reassembler.pending === 0, { what: "the other to be given up" });
  assert.equal(reassembler.dropped, 3);
});
