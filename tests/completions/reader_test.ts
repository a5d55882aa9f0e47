import assert from "node:assert/strict";
import fc from "fast-check";
import { AnswerReader } from "../../lib/completions/answer_reader.ts";
import { AnswerText, type StreamPart } from "../../lib/completions/answer_text.ts";
import { DeltaTemplate } from "../../lib/completions/delta_template.ts";
import type { CompletionChunk } from "../../lib/completions/model_provider.ts";
import { extendChunk, joinChunks } from "../../lib/completions/openai_chunk.ts";
import { ThoughtSplitter } from "../../lib/completions/thought_splitter.ts";
import { seedOf } from "../support/say.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const delta = (content: string) => JSON.stringify({ choices: [{ index: 0, delta: { content } }] });

/** The text cut at the places. */
function cut<T extends string | Uint8Array>(text: T, cuts: number[]): T[] {
  const places = [...new Set(cuts.map((at) => at % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((at, index) => text.slice(at, places[index] ?? text.length) as T);
}

function read(pieces: readonly Uint8Array[]) {
  const reader = new AnswerReader();
  const whole: CompletionChunk = {};
  for (const piece of pieces) extendChunk(whole, reader.push(piece) ?? {});
  extendChunk(whole, reader.end() ?? {});
  return { whole, code: reader.failure?.code };
}

Deno.test("any cut of the same bytes gives the same answer", () => {
  const piece = fc.constantFrom(
    ...["a", "é 🙂", "<think>", "</think>", "\n", " "].map((text) => `data: ${delta(text)}\n\n`),
    ...[
      "data: ",
      "\r\n",
      "\r",
      "\n\n",
      ": x\n",
      "event: error\n",
      "{",
      "data: [DONE]\n\n",
      "\uFEFF",
    ],
    `${delta("b")}\n`,
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 15 }), fc.array(fc.nat(2_000)), (parts, cuts) => {
      const bytes = encode(parts.join(""));
      assert.deepEqual(read(cut(bytes, cuts)), read([bytes]));
    }),
    { seed: seedOf("answer cuts") },
  );
});

Deno.test("events that differ in their text alone are read as any others", () => {
  const content = fc.oneof(
    fc.constantFrom(
      "a",
      "choices",
      "stop",
      " word",
      "",
      "data: x",
      "data:image/png;base64,",
      "<think>",
    ),
    fc.string({ unit: "binary", maxLength: 40 }),
  );
  const fields = fc.record({
    id: fc.constantFrom("chatcmpl-1", "a"),
    role: fc.constantFrom(undefined, undefined, undefined, "assistant"),
    obfuscation: fc.constantFrom(undefined, "x", "yz", 'q"\\', "a"),
    usage: fc.constantFrom(undefined, undefined, undefined, null, { total_tokens: 1 }),
    error: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, {
      message: "no",
    }),
  });
  const framing = fc.constantFrom("data: ", "data: ", "data: ", "data:", "", "data: data: ");
  const event = fc.tuple(
    content,
    fields,
    framing,
    fc.constantFrom("\n\n", "\n\n", "\r\n\r\n", "\n"),
  )
    .map(([content, { id, role, ...rest }, before, behind]) => {
      const choices = [{ index: 0, delta: { role, content }, finish_reason: null }];
      return before + JSON.stringify({ id, model: "a", choices, ...rest }) + behind;
    });
  const other = fc.constantFrom(
    "event: x\n",
    "event: error\n",
    ": c\n",
    `${delta("a")}${delta("b")}\n`,
  );
  const events = fc.array(fc.oneof({ weight: 9, arbitrary: event }, other), { maxLength: 25 });
  fc.assert(
    fc.property(events, (events) => {
      // Who looks at each body is given each.
      const [quick, careful] = [new AnswerReader(), new AnswerReader({ onBody() {} })];
      for (const bytes of events.map(encode)) {
        assert.deepEqual(quick.push(bytes), careful.push(bytes));
        assert.equal(quick.words, careful.words);
      }
      assert.deepEqual(quick.end(), careful.end());
      assert.deepEqual(quick.failure, careful.failure);
    }),
    { seed: seedOf("plain events"), numRuns: 300 },
  );
});

Deno.test("the text of an event is found without making objects of the rest", () => {
  for (const rest of [{}, { obfuscation: "aB3" }, { usage: null, obfuscation: "x" }]) {
    const line = (
      content: string,
      filler = "obfuscation" in rest ? { obfuscation: `${content}x` } : {},
    ) =>
      `data: ${
        JSON.stringify({ model: "a", choices: [{ delta: { content } }], ...rest, ...filler })
      }`;
    const template = new DeltaTemplate();
    template.learn(line("a"), line("a").slice("data: ".length), "a");
    for (const content of ["b", " more than a few words", "é 🙂"]) {
      assert.equal(template.contentOf(line(content)), content);
    }
    for (const content of ['"', "\\", "\n", ""]) {
      assert.equal(template.contentOf(line(content)), undefined);
    }
    assert.equal(template.contentOf(line("b").replace("model", "m")), undefined);
  }
});

/** What a client holds after these pieces of a model's text. */
function split(pieces: readonly string[]) {
  const splitter = new ThoughtSplitter();
  let [content, reasoning] = ["", ""];
  const add = (said: ReturnType<ThoughtSplitter["push"]>) => {
    if (said.wasReasoning) [reasoning, content] = [reasoning + content, ""];
    reasoning += said.reasoning;
    content += said.content;
  };
  for (const piece of pieces) add(splitter.push(piece));
  add(splitter.end());
  return { content, reasoning };
}

const text = fc.array(
  fc.constantFrom(
    ...[
      "<think>",
      "</think>",
      "</Reason>",
      "<thought>",
      "```",
      "`",
      "\n",
      " ",
      "a",
      "B.",
      "<",
      "◁",
    ],
  ),
  { maxLength: 12 },
).map((parts) => parts.join(""));

Deno.test("thoughts are told apart alike, however a text is cut", () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(100)), (said, cuts) => {
      assert.deepEqual(split(cut(said, cuts)), split([said]));
    }),
    { seed: seedOf("thought cuts"), numRuns: 2_000 },
  );
});

Deno.test("a text full of tags that don't count is read in one go", () => {
  const many = `a${"<think> x ".repeat(50_000)}`;
  assert.deepEqual(split([many]), { content: many, reasoning: "" });
});

const part: fc.Arbitrary<StreamPart> = fc.record({
  content: fc.string({ maxLength: 4 }),
  reasoning: fc.constant(""),
  refusal: fc.option(fc.string({ minLength: 1, maxLength: 3 }), { nil: undefined }),
  files: fc.option(
    fc.array(fc.record({ type: fc.constant("image" as const), url: fc.string() }), {
      minLength: 1,
      maxLength: 2,
    }),
    { nil: undefined },
  ),
}, { requiredKeys: ["content", "reasoning"] });

interface Held {
  content: string;
  reasoning: string;
  refusal: string;
  files: string[];
}

/** What a client does with what it is told. */
function hold(
  held: Held,
  { wasReasoning, content, reasoning, refusal = "", files = [] }: StreamPart,
) {
  return {
    content: (wasReasoning ? "" : held.content) + content,
    reasoning: held.reasoning + (wasReasoning ? held.content : "") + reasoning,
    refusal: held.refusal + refusal,
    files: [...held.files, ...files.map(({ url }) => url)],
  };
}
const NOTHING: Held = { content: "", reasoning: "", refusal: "", files: [] };

Deno.test("T6: whoever left at any part holds the same after coming back, a late thought included", () => {
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 10 }),
      fc.option(fc.nat(10)),
      fc.nat(12),
      (parts, movedAt, left) => {
        const told = parts.map((each, at): StreamPart =>
          at === movedAt ? { ...each, wasReasoning: true } : each
        );
        const answer = new AnswerText();
        for (const each of told) answer.append(each);
        const all = told.reduce(hold, NOTHING);
        const before = told.slice(0, left).reduce(hold, NOTHING);
        assert.deepEqual(hold(before, answer.after(left)), all);
        const { content, reasoning } = told.map((each): CompletionChunk => each)
          .reduce(joinChunks, {});
        assert.deepEqual([content ?? "", reasoning ?? ""], [all.content, all.reasoning]);
      },
    ),
    { seed: seedOf("resume parts") },
  );
});
