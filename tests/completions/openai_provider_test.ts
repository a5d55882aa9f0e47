import assert from "node:assert/strict";
import { AppError, errorText } from "../../lib/common/errors.ts";
import type { CompletionChunk } from "../../lib/completions/model_provider.ts";
import { OpenAiProvider } from "../../lib/completions/openai_provider.ts";
import { passThrough } from "../../lib/completions/pass_through.ts";
import { type Script, startModelProvider } from "../support/model_provider.ts";
import { until } from "../support/until.ts";
import { request } from "./fixture.ts";

const apiKey = "sk-very-secret";
const never = new AbortController().signal;
const limits = { firstTokenTimeoutMs: 300, idleTimeoutMs: 300, totalTimeoutMs: 3_000 };

async function ask(script: Script): Promise<{ chunks: CompletionChunk[]; error?: AppError }> {
  await using standIn = startModelProvider();
  standIn.script = script;
  await using provider = new OpenAiProvider({ baseUrl: standIn.baseUrl, apiKey, limits });
  const chunks: CompletionChunk[] = [];
  try {
    for await (const chunk of provider.stream(request, never)) chunks.push(chunk);
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    assert.ok(!errorText(error).includes(apiKey), "the key is in no error");
    return { chunks, error };
  }
  return { chunks };
}
const text = (chunks: CompletionChunk[]) => chunks.map(({ content = "" }) => content).join("");

Deno.test("streams text, reasoning and usage", async () => {
  const { chunks, error } = await ask({ reasoning: ["hm"], usage: { total_tokens: 9 }, paceMs: 1 });
  assert.equal(error, undefined);
  assert.equal(text(chunks), "One two three.");
  assert.equal(chunks.map(({ reasoning = "" }) => reasoning).join(""), "hm");
  assert.deepEqual(chunks.find(({ usage }) => usage)?.usage, { total_tokens: 9 });
  assert.equal((await ask({ end: "no_done" })).error, undefined);
});

const json = { "content-type": "application/json" };
const failures: [name: string, Script, code: string, words: RegExp][] = [
  [
    "401",
    { status: 401, headers: json, body: `{"error":{"message":"${apiKey}"}}` },
    "provider_error",
    /API key/,
  ],
  ["429", { status: 429, headers: { "retry-after": "7" } }, "rate_limited", /busy/],
  [
    "500",
    { status: 500, headers: json, body: `{"error":"no ${apiKey}"}` },
    "provider_error",
    /500: no <key>/,
  ],
  [
    "a page",
    { body: "<html>", headers: { "content-type": "text/html" } },
    "provider_error",
    /page/,
  ],
  ["an error page", { status: 502, body: "<html>bad" }, "provider_error", /502\.$/],
  ["a redirect", { status: 302, headers: { location: "/" } }, "provider_error", /302/],
  [
    "an error as JSON",
    { headers: json, body: `{"error":{"message":"no"}}` },
    "provider_error",
    /no$/,
  ],
  ["garbage", { garbage: "data: {nope\n\n" }, "stream_broken", /no JSON/],
  ["an error in the stream", { end: "error" }, "provider_error", /out of order/],
  ["half a stream", { end: "half" }, "stream_broken", /in the middle/],
  ["nothing", { tokens: [], end: "half" }, "stream_broken", /without an answer/],
  ["a broken connection", { end: "reset" }, "stream_broken", /broke/],
  ["silence", { isSilent: true }, "timeout", /did not begin/],
  ["silence in the middle", { end: "hang" }, "timeout", /mid-answer: nothing came for 0.3 s/],
  ["too much", { garbage: "data: " + "x".repeat(11 << 20) }, "too_large", /exceeds/],
];
for (const [name, script, code, words] of failures) {
  Deno.test(`${name} becomes a clear error`, async () => {
    const { chunks, error } = await ask(script);
    assert.equal(error?.code, code);
    assert.match(error?.message ?? "", words);
    if (name === "half a stream") assert.equal(text(chunks), "One two three.");
    if (name === "429") assert.equal(error?.retryAfterMs, 7_000);
  });
}

Deno.test("nobody there becomes a clear error", async () => {
  await using provider = new OpenAiProvider({ baseUrl: "http://127.0.0.1:1/v1", apiKey });
  await assert.rejects(provider.models(never), { code: "provider_error", message: /reached/ });
});

Deno.test("an abort closes the upstream connection within a second", async () => {
  await using standIn = startModelProvider();
  standIn.script = { end: "hang" };
  await using provider = new OpenAiProvider({ baseUrl: standIn.baseUrl });
  const stop = new AbortController();
  const reading = (async () => {
    for await (const _ of provider.stream(request, stop.signal));
  })();
  reading.catch(() => {});
  await until(() => standIn.requests[0]?.writes === 3, { what: "the tokens" });
  stop.abort();
  await assert.rejects(reading, { name: "AbortError" });
  await until(() => standIn.requests[0]?.closedAtMs, { what: "the close" });
});

Deno.test("lists models, and passes the provider's own stream through, its cancel too", async () => {
  await using standIn = startModelProvider();
  await using provider = new OpenAiProvider({ baseUrl: standIn.baseUrl + "/" });
  assert.deepEqual(await provider.models(never), [{ id: "stand-in", name: "Stand-in" }]);
  const body = { ...request, stream: true, session_id: "own" };
  const whole = await (await passThrough(provider, body, never)).text();
  assert.match(whole, /"content":"One"[^]*data: \[DONE\]\n\n$/);
  assert.equal(standIn.requests[0]?.body["session_id"], undefined);

  standIn.script = { end: "hang" };
  const response = await passThrough(provider, body, never);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await until(() => standIn.requests[1]?.closedAtMs, { what: "the close" });

  const unread = await passThrough(provider, body, never);
  await unread.body?.cancel();
  await until(() => standIn.requests[2]?.closedAtMs, { what: "the close of what nobody read" });
});
