import assert from "node:assert/strict";
import { AnswerStream } from "../../lib/client/answer_stream.ts";
import type { Connection } from "../../lib/client/connection.ts";
import type { CompletionEvent, ResumeAnswer } from "../../lib/protocol/events.ts";

const FASTER = 100;

/** A clock that runs a hundred times as fast, until it is disposed of. */
function fastClock(): Disposable {
  const { setTimeout } = globalThis;
  const { performance } = globalThis;
  const now = performance.now.bind(performance);
  globalThis.setTimeout =
    ((run: () => void, ms = 0) => setTimeout(run, ms / FASTER)) as typeof setTimeout;
  performance.now = () => now() * FASTER;
  return {
    [Symbol.dispose]() {
      globalThis.setTimeout = setTimeout;
      performance.now = now;
    },
  };
}

const event = (seq: number, content: string): CompletionEvent => ({
  ...{ chat_id: "c", message_id: "m", seq },
  data: {
    type: "chat:completion",
    data: { generation: "g", choices: [{ index: 0, delta: { content } }] },
  },
});

Deno.test("T6: an answer of which nothing is heard is asked for, after a gap that was filled, too", async () => {
  using _ = fastClock();
  const answers: ResumeAnswer[] = [
    { active: true, generation: "g", seq: 3, content: " two three", done: false },
    { active: false, generation: "g", seq: 4, content: "", done: true, interrupted: true },
  ];
  const asked: unknown[] = [];
  const ended = Promise.withResolvers<void>();
  const connection = {
    status: { state: "online" },
    ask: (_event: string, { after }: { after?: number }) => {
      asked.push(after);
      return Promise.resolve(answers.shift());
    },
  } as unknown as Connection;
  const stream = new AnswerStream(connection, { chatId: "c", messageId: "m" });
  stream.changes.add(() => {
    if (stream.answer.snapshot.isDone) ended.resolve();
  });
  stream.take(event(1, "one"));
  // Its second is lost; and of its end nothing is ever said.
  stream.take(event(3, " three"));
  const late = setTimeout(() => ended.reject(new Error("It was not asked for again.")), 200_000);
  await ended.promise;
  clearTimeout(late);
  stream.end();
  assert.deepEqual(asked, [1, 3]);
  assert.deepEqual([stream.answer.snapshot.content, stream.answer.snapshot.state], [
    "one two three",
    "crashed",
  ]);
});

Deno.test("an answer in a temporary chat whose server forgot it has ended where it was cut off", async () => {
  const connection = {
    status: { state: "online" },
    ask: () => Promise.resolve({ active: false, seq: 0, content: "", done: false }),
  } as unknown as Connection;
  const stream = new AnswerStream(connection, { chatId: "temporary:c", messageId: "m" });
  await stream.resume();
  assert.equal(stream.answer.snapshot.isDone, false, "it may not have begun");
  stream.take(event(1, "half"));
  await stream.resume();
  stream.end();
  const { content, state } = stream.answer.snapshot;
  assert.deepEqual([content, state], ["half", "crashed"]);
});
