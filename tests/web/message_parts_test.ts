import assert from "node:assert/strict";
import { figuresOf } from "../../lib/web/chats/answer_figures.tsx";
import { partsOf } from "../../lib/web/chats/message_parts.ts";

Deno.test("what Open WebUI writes between the words of an answer is told apart", () => {
  const text = '<details type="reasoning" done="true" duration="7">\n' +
    "<summary>Thought for 7 seconds</summary>\n> First &lt;this&gt;.\n> Then that.\n</details>\n" +
    "Let me see.\n" +
    '<details type="tool_calls" done="true" id="c" name="weather" ' +
    'arguments="&quot;{\\&quot;city\\&quot;: \\&quot;Oslo\\&quot;}&quot;" ' +
    'result="&quot;rain&quot;">\n<summary>Tool Executed</summary>\n</details>\n' +
    "It rains.\n\n<details><summary>More</summary>of mine</details>";
  assert.deepEqual(partsOf(text), [
    { kind: "thought", isDone: true, text: "First <this>.\nThen that.", ms: 7_000 },
    { kind: "text", text: "\nLet me see.\n" },
    {
      ...{ kind: "tool", isDone: true },
      call: { name: "weather", given: '{"city": "Oslo"}', result: "rain" },
    },
    {
      kind: "text",
      text: "\nIt rains.\n\n<details><summary>More</summary>of mine</details>",
    },
  ]);
});

Deno.test("a block that is being written is not done; a text without any is itself", () => {
  assert.deepEqual(partsOf("Only **words**."), [{ kind: "text", text: "Only **words**." }]);
  assert.deepEqual(partsOf('<details type="reasoning" done="false">\n> Hm'), [
    { kind: "thought", isDone: false, text: "Hm" },
  ]);
  const many = '<details type="tool_calls" name="x">'.repeat(20_000);
  const begunMs = performance.now();
  partsOf(many);
  assert.ok(performance.now() - begunMs < 2_000, "in the time of its length, not of its square");
});

Deno.test("figures of an answer: as the provider told them, or as estimated, and so named", () => {
  const timing = { first_ms: 500, streaming_ms: 2_000 };
  const text = "word ".repeat(40);
  assert.deepEqual(figuresOf({ content: text, usage: { completion_tokens: 1_000 }, timing }), {
    text: "1,000 tokens · 500/s",
    title: "It began after 0.5 s and took 2.0 s.",
  });
  const estimated = figuresOf({ content: text, timing });
  assert.equal(estimated?.text, "about 50 tokens · 25/s");
  assert.match(estimated?.title ?? "", /told no count/);
  assert.equal(figuresOf({ content: "漢字漢字", timing })?.text, "about 4 tokens · 2.0/s");
  assert.equal(figuresOf({ content: text }), undefined, "nobody measured");
  assert.equal(figuresOf({ content: text, usage: { output_tokens: 7 } })?.text, "7 tokens");
});
