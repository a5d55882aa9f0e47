import assert from "node:assert/strict";
import fc from "fast-check";
import type { CompletionEvent } from "../../lib/protocol/events.ts";
import { completionKey, mergeCompletions } from "../../lib/completions/merge_completions.ts";
import { seedOf } from "../support/say.ts";
import { textOfEvents } from "./fixture.ts";

function event(seq: number, data: Partial<CompletionEvent["data"]["data"]>, generation = "g") {
  const event: CompletionEvent = {
    chat_id: "c",
    message_id: "m",
    seq,
    data: { type: "chat:completion", data: { generation, ...data } },
  };
  return ["events", event] as const;
}
const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] as const });

Deno.test("any grouping of merges says the same", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.boolean()), (texts, joins) => {
      const packets: (readonly unknown[])[] = [
        ...texts.map((text, at) => event(at + 1, { choices: [...delta(text).choices] })),
        event(texts.length + 1, { done: true, usage: { total_tokens: 3 } }),
      ];
      const before = structuredClone(packets);
      const merged = packets.slice(0, 1);
      packets.slice(1).forEach((packet, at) => {
        const last = merged.at(-1);
        const both = joins[at] && last ? mergeCompletions(last, packet) : undefined;
        if (both) merged[merged.length - 1] = both;
        else merged.push(packet);
      });
      assert.deepEqual(packets, before, "the arguments are left alone");
      const events = merged.map(([, payload]) => payload as CompletionEvent);
      assert.equal(textOfEvents(events), texts.join(""));
      let seq = 0;
      for (const each of events) {
        assert.equal(each.from ?? each.seq, seq + 1);
        seq = each.seq;
      }
      assert.equal(seq, packets.length);
      assert.deepEqual(events.at(-1)?.data.data.usage, { total_tokens: 3 });
      assert.equal(events.at(-1)?.data.data.done, true);
    }),
    { seed: seedOf("merges") },
  );
});

Deno.test("gaps, other generations and other events never merge", () => {
  assert.equal(mergeCompletions(event(1, {}), event(3, {})), undefined);
  assert.equal(mergeCompletions(event(2, {}), event(1, {})), undefined);
  assert.equal(mergeCompletions(event(1, {}), event(2, {}, "h")), undefined);
  assert.equal(mergeCompletions(event(1, { done: true }), event(2, {})), undefined);
  assert.equal(completionKey(["events", { data: { type: "status" } }]), undefined);
  assert.equal(completionKey(["other", event(1, {})[1]]), undefined);
  assert.notEqual(completionKey(event(1, {})), completionKey(event(1, {}, "h")));
});
