import assert from "node:assert/strict";
import fc from "fast-check";
import { pause } from "../../lib/common/pause.ts";
import type { CompletionChunk } from "../../lib/completions/model_provider.ts";
import { ChunkQueue } from "../../lib/completions/chunk_queue.ts";
import { paced } from "../../lib/completions/paced.ts";
import { seedOf } from "../support/say.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;

/** A source that says the words, with a pause before each, and tells whether it was closed. */
function source(words: readonly string[], pauseMs: (at: number) => number) {
  const state = { isClosed: false, said: 0 };
  async function* open(signal: AbortSignal): AsyncGenerator<CompletionChunk> {
    try {
      for (const [at, content] of words.entries()) {
        if (pauseMs(at) > 0) await pause(pauseMs(at), signal);
        if (signal.aborted) return;
        state.said++;
        yield { content };
      }
      yield { finishReason: "stop", usage: { total_tokens: words.length } };
    } finally {
      state.isClosed = true;
    }
  }
  return { state, open };
}

async function all(chunks: AsyncIterable<CompletionChunk>): Promise<CompletionChunk[]> {
  const list: CompletionChunk[] = [];
  for await (const chunk of chunks) list.push(chunk);
  return list;
}

Deno.test("paced() keeps every word and the end, whatever the pauses", async () => {
  const seed = seedOf("paced words");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1, maxLength: 9 }), { maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
      async (words, pauses) => {
        const { open } = source(words, (at) => pauses[at % pauses.length] ?? 0);
        const chunks = await all(paced(open, 5, never));
        assert.equal(chunks.map(({ content = "" }) => content).join(""), words.join(""));
        assert.equal(chunks.at(-1)?.finishReason, "stop");
      },
    ),
    { seed, numRuns: 30 },
  );
});

Deno.test("T4: paced() makes one chunk of what comes within its time", async () => {
  const words = Array.from({ length: 100 }, (_, at) => `word${at} `);
  const beganMs = performance.now();
  const chunks = await all(paced(source(words, () => 1).open, 40, never));
  // The first and the last come at once, however long the words take.
  const most = (performance.now() - beganMs) / 39 + 2;
  assert.ok(chunks.length <= most, `${chunks.length} chunks of 100 words, at most ${most}`);
  assert.equal(chunks[0]?.content, "word0 ", "the first does not wait");
});

Deno.test("what comes in one turn of the event loop is one chunk, the first as well", async () => {
  const pauses: number[] = [];
  const queue = new ChunkQueue(async (queue) => {
    for (const content of ["a", "b", "c"]) queue.push({ content });
    await pause(1);
    queue.push({ content: "d", finishReason: "stop" });
  }, never).paced(30);
  queue.onPause = (_dueMs, pieces) => void pauses.push(pieces);
  const chunks = await all(queue);
  assert.deepEqual(chunks, [{ content: "abc" }, { content: "d", finishReason: "stop" }]);
  assert.deepEqual(pauses, [3], "nobody is told to wait behind the last");
});

Deno.test("paced() passes a failure on, after what came before it", async () => {
  async function* open(): AsyncGenerator<CompletionChunk> {
    yield { content: "half" };
    throw new Error("cut");
  }
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const { content = "" } of paced(open, 10_000, never)) seen.push(content);
  }, /cut/);
  assert.deepEqual(seen, ["half"]);
});

Deno.test("paced() reads no further ahead than its bound, and closes a source that is left", async () => {
  const words = Array.from({ length: 1_000 }, () => "x".repeat(1_000));
  const { state, open } = source(words, () => 0);
  for await (const _ of paced(open, 10_000, never)) {
    await until(() => state.said >= 5, { what: "reading ahead" });
    await pause(20);
    break;
  }
  assert.ok(state.said < 20, `${state.said} words were read ahead`);
  await until(() => state.isClosed, { what: "the end of the source" });
});

Deno.test("paced() ends with its signal, even when the source does not listen", async () => {
  const stop = new AbortController();
  async function* deaf(): AsyncGenerator<CompletionChunk> {
    yield { content: "one" };
    await new Promise(() => {});
  }
  const reason = new Error("stopped");
  await assert.rejects(async () => {
    for await (const _ of paced(deaf, 10, stop.signal)) stop.abort(reason);
  }, reason);
});
