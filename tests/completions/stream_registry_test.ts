import assert from "node:assert/strict";
import fc from "fast-check";
import { until } from "../support/until.ts";
import { CountingStore, ids, openHouse } from "./fakes.ts";

Deno.test("T6: resumed at any point, here or at another instance, the text is equal to the byte", async () => {
  const text = fc.array(fc.string({ unit: "binary", minLength: 1 }), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(text, fc.nat(30), fc.nat(35), fc.boolean(), async (parts, at, seen, ends) => {
      const store = new CountingStore();
      await using one = openHouse({ store, log: { flushMs: 0, batchLength: 20 } });
      await using two = openHouse({ store, instanceId: "two", log: { flushMs: 0 } });
      const stream = await one.streams.begin(ids);
      const streamed = parts.slice(0, at + 1);
      for (const content of streamed) stream.append({ content, reasoning: "r" });
      const after = Math.min(seen, streamed.length + 1);
      const rest = streamed.slice(after).join("");
      const local = await one.streams.resume({ chatId: ids.chatId, after });
      assert.deepEqual([local.content, local.seq, local.active], [rest, streamed.length, true]);
      await stream.log.close();
      if (ends) {
        stream.end({});
        await one.streams.close(stream, {}, true);
      }
      const { generation } = stream;
      const remote = await two.streams.resume({ ...ids, after, generation });
      assert.equal(remote.content, rest);
      assert.equal(remote.reasoning ?? "", "r".repeat(streamed.slice(after).length));
      assert.deepEqual([remote.done, remote.seq], [ends, streamed.length + (ends ? 1 : 0)]);
      const other = await two.streams.resume({ ...ids, after, generation: "another" });
      assert.equal(other.content, streamed.join(""));
      if (!ends) await one.streams.close(stream, { interrupted: true }, true);
    }),
    { numRuns: 40 },
  );
});

Deno.test("nothing is known of a chat without a stream", async () => {
  await using house = openHouse();
  const answer = await house.streams.resume({ chatId: "unknown", after: 5 });
  assert.deepEqual(answer, { active: false, seq: 0, content: "", done: false });
});

Deno.test("after the grace nothing is left, in memory or in the store", async () => {
  await using house = openHouse({ graceMs: 20 });
  const stream = await house.streams.begin({ ...ids, taskId: "task" });
  stream.append({ content: "x".repeat(5_000), reasoning: "" });
  stream.end({});
  await house.streams.close(stream, {}, true);
  assert.equal((await house.streams.resume({ ...ids })).content.length, 5_000);
  await until(() => house.streams.size === 0, { what: "the end of the grace" });
  const left = () => [...house.store.data].filter(([key]) => key.startsWith("rt:stream:"));
  await until(() => left().length === 0, { what: "an empty store" });
});

Deno.test("streams beyond the bound are refused", async () => {
  await using house = openHouse({ maxRunning: 1 });
  const stream = await house.streams.begin(ids);
  await assert.rejects(house.streams.begin({ ...ids, messageId: "b" }), { code: "unavailable" });
  stream.end({});
  await house.streams.close(stream, {}, true);
});
