import assert from "node:assert/strict";
import fc from "fast-check";
import { Answer } from "../../lib/client/answer.ts";
import type { CompletionEvent, ResumeAnswer } from "../../lib/protocol/events.ts";
import { seedOf } from "../support/say.ts";

const event = (
  generation: string,
  seq: number,
  content: string,
  more: { from?: number; done?: boolean } = {},
): CompletionEvent => ({
  chat_id: "c",
  message_id: "m",
  seq,
  ...(more.from !== undefined && { from: more.from }),
  data: {
    type: "chat:completion",
    data: {
      generation,
      choices: [{ index: 0, delta: { content } }],
      ...(more.done && { done: true }),
    },
  },
});

Deno.test("the next event grows the text; one that is known changes nothing", () => {
  const answer = new Answer();
  assert.equal(answer.merge(event("g", 1, "one")), "applied");
  assert.equal(answer.merge(event("g", 1, "one")), "ignored");
  assert.equal(answer.merge(event("g", 4, " two three four", { from: 2 })), "applied");
  assert.equal(answer.merge(event("g", 6, " six")), "gap");
  assert.equal(answer.snapshot.content, "one two three four");
  assert.equal(answer.snapshot.seq, 4);
});

Deno.test("a merged event that overlaps with what is here is asked for, not added", () => {
  const answer = new Answer();
  answer.merge(event("g", 1, "one"));
  answer.merge(event("g", 2, " two"));
  assert.equal(answer.merge(event("g", 3, " two three", { from: 2 })), "gap");
  const rest: ResumeAnswer = {
    active: true,
    generation: "g",
    seq: 3,
    content: " three",
    done: false,
  };
  assert.ok(answer.resumed(rest));
  assert.equal(answer.snapshot.content, "one two three");
});

Deno.test("T7: a newer generation begins anew, and the older one is silent for good", () => {
  const answer = new Answer();
  answer.merge(event("old", 1, "wrong"));
  assert.equal(answer.merge(event("new", 1, "right")), "applied");
  assert.equal(answer.merge(event("old", 2, " and more of it")), "ignored");
  assert.equal(answer.snapshot.content, "right");
  assert.equal(answer.merge(event("third", 5, "its middle")), "gap");
});

Deno.test("C9: a lost answer says so until it is heard again; how it ended tells a stop from a crash", () => {
  const answer = new Answer();
  const place = { active: true, generation: "g", seq: 1, content: "so far", done: false };
  answer.resumed({ ...place, lost: true });
  const lost = answer.snapshot;
  assert.equal(lost.state, "lost");
  answer.merge({
    ...{ chat_id: "c", message_id: "m", seq: 2 },
    data: {
      type: "chat:completion",
      data: { generation: "g", choices: [{ index: 0, delta: { content: "!" } }] },
    },
  });
  assert.deepEqual([answer.snapshot.state, lost.content, answer.snapshot.content], [
    "streaming",
    "so far",
    "so far!",
  ]);
  answer.resumed({ ...place, content: "", seq: 3, done: true, interrupted: true });
  assert.equal(answer.snapshot.state, "crashed");
  const other = new Answer();
  other.resumed({ ...place, done: true, interrupted: true, stopped: true });
  assert.equal(other.snapshot.state, "stopped");
});

Deno.test("an event of the server's own words ends the answer", () => {
  const answer = new Answer();
  answer.merge(event("g", 1, "all", { done: true }));
  assert.ok(answer.snapshot.isDone);
});

Deno.test("whatever is lost, doubled or merged: with what is asked for, the text is whole", () => {
  const parts = fc.array(fc.string({ minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 30,
  });
  const noise = fc.array(fc.record({ from: fc.nat(29), length: fc.nat(6) }), { maxLength: 60 });
  fc.assert(
    fc.property(parts, noise, (texts, heard) => {
      const answer = new Answer();
      const text = (from: number, to: number) => texts.slice(from - 1, to).join("");
      for (const { from, length } of heard) {
        const first = from % texts.length + 1;
        const last = Math.min(texts.length, first + length);
        const merged = answer.merge(event("g", last, text(first, last), { from: first }));
        if (merged !== "gap") continue;
        // A stream that has gone on to `last` answers with all that is missing.
        const seq = Math.max(last, answer.snapshot.seq);
        const content = text(answer.snapshot.seq + 1, seq);
        answer.resumed({ active: true, generation: "g", seq, content, done: false });
      }
      assert.equal(answer.snapshot.content, text(1, answer.snapshot.seq));
    }),
    { seed: seedOf("answer"), numRuns: 300 },
  );
});

Deno.test("an end that stands before what was read is asked for", () => {
  const answer = new Answer();
  answer.merge(event("g", 3, "one two three", { from: 1 }));
  assert.equal(answer.merge(event("g", 2, "", { done: true })), "gap");
  const end = { active: false, generation: "g", seq: 2, content: "", done: true };
  answer.resumed({ ...end, interrupted: true });
  assert.deepEqual([answer.snapshot.content, answer.snapshot.outcome.interrupted], [
    "one two three",
    true,
  ]);
  assert.equal(answer.merge(event("g", 2, "", { done: true })), "ignored");
});

Deno.test("an answer that goes on after it was told as interrupted is asked for as a whole", () => {
  const answer = new Answer();
  answer.merge(event("g", 1, "one"));
  answer.merge(event("g", 2, " two"));
  answer.resumed({
    ...{ active: false, generation: "g", seq: 2, content: "" },
    ...{ done: true, interrupted: true },
  });
  assert.equal(answer.merge(event("g", 2, " two")), "ignored");
  assert.ok(answer.snapshot.isDone);
  assert.equal(answer.merge(event("g", 3, " three")), "gap");
  assert.equal(answer.snapshot.isDone, false);
  assert.equal(answer.snapshot.seq, 0);
  answer.resumed({ active: true, generation: "g", seq: 3, content: "one two three", done: false });
  assert.equal(answer.merge(event("g", 4, " four", { done: true })), "applied");
  assert.equal(answer.snapshot.content, "one two three four");
  assert.equal(answer.snapshot.outcome.interrupted, undefined);
});
