import assert from "node:assert/strict";
import { silentLogger } from "../../lib/common/logger.ts";
import { EchoProvider } from "../../lib/completions/echo_provider.ts";
import type { CompletionChunk } from "../../lib/completions/model_provider.ts";
import { ModelCatalogue } from "../../lib/completions/model_catalogue.ts";
import { passThrough } from "../../lib/completions/pass_through.ts";
import { asTitle, bareTitle, makeTitle, titleOfQuestion } from "../../lib/completions/title.ts";
import { providerOf, request } from "./fixture.ts";

const signal = new AbortController().signal;
const echo = new EchoProvider({ delayMs: 0 });
const title = { model: "fake", messages: request.messages, signal, logger: silentLogger };

Deno.test("a title is one short line, cut between words", () => {
  assert.equal(asTitle(" One\n two "), "One two");
  assert.equal(asTitle("word ".repeat(30)), "word ".repeat(16).trim());
  assert.equal(asTitle("x".repeat(200)).length, 80);
});

Deno.test("a model's title is bare: no thoughts, Markdown, label, quotes or further lines", () => {
  for (
    const said of [
      "Tides and the Moon",
      '"Tides and the Moon"',
      "# Tides and the Moon\n\nA longer text.",
      "**Title:** Tides and the Moon\n",
      "Title: **Tides and the Moon**",
      "<think>What is\nit about?</think>\n\n“Tides and the Moon”",
    ]
  ) assert.equal(bareTitle(said), "Tides and the Moon", said);
  assert.equal(bareTitle("<think>never ending"), "");
  assert.equal(bareTitle("```ts\nlet a;\n```\nWhat is this?"), "let a;");
  assert.equal(bareTitle("C# and 2 * 3 * 4"), "C# and 2 * 3 * 4");
});

Deno.test("a model's title is its own and whole, or there is none: the question's words stay", async () => {
  const saying = (...chunks: CompletionChunk[]) =>
    makeTitle({
      ...title,
      provider: providerOf(async function* () {
        for (const chunk of chunks) yield await Promise.resolve(chunk);
      }),
    });
  assert.equal(await saying({ content: '"A greeting"\n' }), "A greeting");
  assert.equal(await saying({ content: "A greeting" }, { finishReason: "stop" }), "A greeting");
  assert.equal(await saying({ content: "Sure, here it is:\nA greeting" }), "A greeting");
  assert.equal(
    await saying({ content: "hm, " }, { wasReasoning: true, content: "Tides" }),
    "Tides",
  );
  assert.equal(await saying({ reasoning: "Let me think" }, { finishReason: "length" }), undefined);
  assert.equal(await saying({ content: "A title that is" }, { finishReason: "length" }), undefined);
  assert.equal(await saying({ content: "word ".repeat(30) }), undefined, "no title is so long");
  assert.equal(await saying({ content: "<think>never ending" }), undefined);
  const hangs = providerOf(async function* () {
    await new Promise(() => {});
    yield {};
  });
  assert.equal(await makeTitle({ ...title, provider: hangs, timeoutMs: 10 }), undefined);
  assert.equal(await makeTitle({ ...title, provider: echo }), undefined);
  assert.equal(titleOfQuestion(request.messages), "Hello there");
});

Deno.test("echo says the last words of the user, over SSE too, and stops at once", async () => {
  const response = await passThrough(echo, request, signal);
  assert.match(await response.text(), /"Hello "[^]*"there"[^]*data: \[DONE\]/);
  const whole = await passThrough(echo, { ...request, stream: false }, signal);
  assert.equal((await whole.json()).choices[0].message.content, "Hello there");
  const slow = new EchoProvider({ delayMs: 60_000 }).stream(request, AbortSignal.abort());
  await assert.rejects(slow.next(), { name: "AbortError" });
});

Deno.test("a provider that fails hides nobody's models", async () => {
  let isAway = false;
  let nowMs = 0;
  let calls = 0;
  const flaky = providerOf(async function* () {});
  flaky.models = () => {
    calls++;
    return isAway ? Promise.reject(new Error("away")) : Promise.resolve([{ id: "a", name: "A" }]);
  };
  const clock = { nowMs: () => nowMs };
  const catalogue = new ModelCatalogue([flaky, echo], { logger: silentLogger, clock });
  const idsOf = async () => (await catalogue.models()).map(({ id }) => id);
  assert.deepEqual(await idsOf(), ["a", "echo"]);
  isAway = true;
  nowMs = 5_000;
  assert.equal(await catalogue.providerOf("echo"), echo);
  assert.equal(calls, 1);
  nowMs = 20_000;
  assert.deepEqual(await idsOf(), ["a", "echo"]);
  assert.equal(await catalogue.providerOf("a"), flaky);
  assert.equal(calls, 2);
  await assert.rejects(catalogue.providerOf("none"), { code: "not_found" });
  const late = new ModelCatalogue([flaky], { logger: silentLogger, clock });
  assert.deepEqual(await late.list(), {
    data: [],
    error: { code: "internal", content: "Something went wrong on the server." },
  });
  await assert.rejects(late.providerOf("a"), { code: "unavailable" });
  isAway = false;
  nowMs += 1_000;
  assert.deepEqual(await late.list(), { data: [{ id: "a", name: "A" }] }, "it is there later");
});
