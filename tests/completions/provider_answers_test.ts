import assert from "node:assert/strict";
import { refusalError, retryAfter } from "../../lib/completions/provider_refusal.ts";
import { RefusedParameters } from "../../lib/completions/refused_parameters.ts";
import { shownWords } from "../../lib/completions/provider_words.ts";
import { sanitised } from "../../lib/completions/request_messages.ts";
import { answered, ask, message, newChat } from "../e2e/support/chat.ts";
import { type Script, startModelProvider } from "../support/model_provider.ts";
import { connect, type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { choice, DONE, H, sse, STOP, W } from "./dialects.ts";

const KEY = "sk-very-secret-key-of-ours";
const json = { "content-type": "application/json" };
const body = (value: unknown): Script => ({ headers: json, body: JSON.stringify(value) });

const REFUSALS: [name: string, Script, code: string, words: RegExp][] = [
  [
    "words of a form's fields",
    { status: 400, ...body({ errors: { model: ["must exist"] } }) },
    "provider_error",
    /: must exist/,
  ],
  [
    "a page without a title",
    { status: 502, body: "<html><body><h1>Bad gateway</h1><style>x</style></body></html>" },
    "provider_error",
    /: Bad gateway$/,
  ],
  ["Gemini", { status: 400, ...body([{ error: { message: "bad" } }]) }, "provider_error", /: bad$/],
  ["vLLM", { status: 404, ...body({ object: "error", message: "no" }) }, "provider_error", /: no$/],
  ["a message", { status: 500, ...body({ message: "out" }) }, "provider_error", /: out$/],
  ["a detail", { status: 500, ...body({ detail: "loading" }) }, "provider_error", /: loading$/],
  [
    "FastAPI's details",
    { status: 422, ...body({ detail: [{ msg: "too big", loc: ["body", "seed"] }] }) },
    "provider_error",
    /: seed: too big$/,
  ],
  ["errors", { status: 500, ...body({ errors: [{ message: "a" }] }) }, "provider_error", /: a$/],
  ["a text as error", { status: 500, ...body({ error: "b" }) }, "provider_error", /: b$/],
  ["plain text", { status: 503, body: "no capacity" }, "provider_error", /503: no capacity$/],
  [
    "a page",
    { status: 502, body: "<html><title>Bad gateway</title>" },
    "provider_error",
    /Bad gat/,
  ],
  [
    "OpenRouter's wrapping",
    {
      status: 400,
      ...body({
        error: {
          message: "Provider returned error",
          metadata: { raw: JSON.stringify({ error: { message: "context too long" } }) },
        },
      }),
    },
    "provider_error",
    /: context too long$/,
  ],
  [
    "an error in an error's text",
    { status: 400, ...body({ error: { message: 'litellm: {"error":{"message":"inner"}}' } }) },
    "provider_error",
    /: inner$/,
  ],
  [
    "403 for moderation",
    { status: 403, ...body({ error: { message: "Your input was flagged" } }) },
    "provider_error",
    /^The model provider refuses this \(403\): Your input was flagged$/,
  ],
  ["403 for a region", { status: 403, body: "not in your country" }, "provider_error", /country/],
  [
    "403 for the key",
    { status: 403, body: "API key disabled" },
    "provider_error",
    /refuses the API/,
  ],
  [
    "401",
    { status: 401, ...body({ detail: "no" }) },
    "provider_error",
    /refuses the API key \(401\)/,
  ],
  [
    "402",
    { status: 402, ...body({ error: { message: "no credit" } }) },
    "provider_error",
    /credit/,
  ],
  [
    "429 in seconds",
    { status: 429, headers: { ...json, "retry-after": "7" }, body: '{"error":"slow down"}' },
    "rate_limited",
    /slow down\. Try again in 7 seconds\.$/,
  ],
  [
    "429 with a date",
    {
      status: 429,
      headers: { "retry-after": new Date(Date.now() + 600_000).toUTCString() },
      body: "",
    },
    "rate_limited",
    /Try again in (9|10) minutes\.$/,
  ],
  [
    "keys and addresses",
    { status: 500, body: `${KEY} sk-abc123456 at http://ada:pw@10.1.2.3:99/v1 Bearer abcdefgh` },
    "provider_error",
    /: <key> <key> at <address> <key>$/,
  ],
  ["a long text", { status: 500, body: "word ".repeat(500) }, "provider_error", /^.{1,350}…$/],
];

Deno.test("the words of an error reach the user, whatever shape they have, without secrets", async (t) => {
  await using provider = startModelProvider();
  await using app = await startServer({
    OPENAI_API_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY: KEY,
  });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  for (const [name, script, code, words] of REFUSALS) {
    await t.step(name, async () => {
      provider.script = script;
      const chatId = await newChat(ada, "titled");
      await ask(ada, chatId);
      await answered(client, chatId);
      const { error } = await message(ada, chatId);
      assert.equal(error?.code, code);
      assert.match(error?.content ?? "", words);
      const passed = await ada.call("POST", "/api/chat/completions", {
        ...{ model: "stand-in", stream: true, messages: [] },
      });
      const problem = await passed.json();
      assert.equal(problem.code, code);
      assert.match(problem.detail, words);
    });
  }
});

Deno.test("retryAfter() reads seconds, milliseconds and dates; nonsense is none", () => {
  const at = (header: string) => retryAfter(new Headers({ "retry-after": header }), 0);
  assert.equal(at("1.5"), 1_500);
  assert.equal(at("Thu, 01 Jan 1970 00:01:00 GMT"), 60_000);
  assert.equal(at("soon"), undefined);
  assert.equal(retryAfter(new Headers({ "retry-after-ms": "30" }), 0), 30);
  const refusal = { headers: new Headers(), body: "", shown: (words: string) => words };
  assert.equal(
    refusalError({ status: 403, ...refusal }).message,
    "The model provider refuses this (403).",
  );
  assert.equal(
    shownWords("model gpt-4o-mini-2024-07-18 is busy"),
    "model gpt-4o-mini-2024-07-18 is busy",
  );
});

const REFUSED: [field: string, status: number, answer: unknown, more: Record<string, unknown>][] = [
  ["stream_options", 422, {
    detail: [{
      type: "extra_forbidden",
      loc: ["body", "stream_options"],
      msg: "Extra inputs are not permitted",
    }],
  }, {}],
  ["stream_options", 400, {
    error: { message: "Unrecognized request argument supplied: stream_options" },
  }, {}],
  ["stream_options", 422, { message: "one field is not permitted" }, {}],
  ["max_tokens", 400, {
    error: {
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    },
  }, { params: { max_tokens: 9 } }],
  ["stream_options", 422, "Unprocessable Entity", {}],
  ["stream_options", 422, "", {}],
  ["max_tokens", 400, { error: { message: "Please send `max_completion_tokens`." } }, {
    params: { max_tokens: 9 },
  }],
  ["max_tokens", 422, { error: { message: "This may not be given.", param: "max_tokens" } }, {
    params: { max_tokens: 9 },
  }],
];
for (const [field, status, answer, more] of REFUSED) {
  Deno.test(`a refused ${field} (${status}) is left out and remembered: ${JSON.stringify(answer).slice(0, 50)}`, async () => {
    await using provider = startModelProvider();
    provider.script = (asked) =>
      field in asked ? { status, ...body(answer) } : { wire: [H, W, STOP, DONE] };
    await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
    const ada = await signUp(app.url);
    await using client = await connect(app.url, ada.token);
    for (const requests of [2, 3]) {
      const chatId = await newChat(ada, "titled");
      await ask(ada, chatId, more);
      await answered(client, chatId);
      const stored = await message(ada, chatId);
      assert.deepEqual([stored.content, stored.error], ["Hello world", undefined]);
      assert.equal(provider.requests.length, requests);
    }
    const last = provider.requests.at(-1)?.body ?? {};
    if (field === "max_tokens") assert.equal(last["max_completion_tokens"], 9);
  });
}

Deno.test("what only seemed to be refused is sent again, and a limit of a wrong value is told", () => {
  const refused = new RefusedParameters();
  const sent = { stream_options: {}, max_tokens: 9, temperature: 3 };
  const body = JSON.stringify({ error: { message: "Unsupported value: 'temperature'" } });
  assert.equal(refused.suspect(sent, { status: 400, body }), "stream_options");
  const again = refused.applied(sent, new Set(["stream_options"]));
  assert.equal(refused.suspect(again, { status: 400, body }), undefined);
  assert.deepEqual(refused.applied(sent), sent, "nothing is remembered without a success");
  const tooMuch = { status: 400, body: "max_tokens must be at most 4096" };
  assert.equal(refused.suspect(again, tooMuch), undefined);
  // Neither name is known.
  refused.remember(["max_tokens", "max_completion_tokens"]);
  assert.deepEqual(refused.applied(again), { temperature: 3 });
});

const models = (value: unknown, status = 200) => () => Response.json(value, { status });
const LISTS: [name: string, answer: unknown, ids: string[]][] = [
  ["data", { data: [{ id: "a" }, { id: "b", name: "B" }] }, ["a", "b"]],
  ["a bare list", [{ id: "a" }], ["a"]],
  ["models, with a prefix", { models: [{ name: "models/gemini" }] }, ["gemini"]],
  ["names alone", { data: ["a", "b"] }, ["a", "b"]],
];

Deno.test("/models in every shape; when there are none, /api/models says why", async () => {
  await using provider = startModelProvider();
  const list = async (env: Record<string, string> = {}) => {
    await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl, ...env });
    const ada = await signUp(app.url);
    const found = await ada.json<{ data: { id: string }[]; error?: { content: string } }>(
      "GET",
      "/api/models",
    );
    return { ids: found.data.map(({ id }) => id), why: found.error?.content };
  };
  for (const [name, answer, ids] of LISTS) {
    provider.modelsAnswer = models(answer);
    assert.deepEqual(await list(), { ids, why: undefined }, name);
  }
  provider.modelsAnswer = models({ error: "no such page" }, 404);
  assert.match((await list()).why ?? "", /OPENAI_MODELS/);
  assert.deepEqual((await list({ OPENAI_MODELS: "sonar, sonar-pro" })).ids, ["sonar", "sonar-pro"]);
  provider.modelsAnswer = models({ error: { message: "bad key" } }, 401);
  assert.match((await list()).why ?? "", /refuses the API key/);
  const unreachable = await list({ OPENAI_API_BASE_URL: "http://127.0.0.1:1/v1" });
  assert.match(unreachable.why ?? "", /can't be reached/);
});

Deno.test("several models at once, one unknown: none is asked", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const chatId = await newChat(ada, "titled");
  const asked = await ada.status("POST", "/api/chat/completions", {
    ...{ model: "stand-in", chat_id: chatId, messages: [{ role: "user", content: "?" }] },
    message_ids: [{ model_id: "stand-in", message_id: "a" }, { model_id: "no", message_id: "b" }],
  });
  assert.equal(asked, 404);
  assert.equal(provider.requests.length, 0);
});

Deno.test("a model of one's own with the id of one of the server's is never asked with its key", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const direct = { model_item: { id: "stand-in", direct: true } };
  const chatId = await newChat(ada, "titled");
  const body = { model: "stand-in", messages: [{ role: "user", content: "?" }], stream: true };
  for (const more of [{ chat_id: chatId, id: "a" }, {}]) {
    const refused = await ada.status("POST", "/api/chat/completions", {
      ...body,
      ...direct,
      ...more,
    });
    assert.equal(refused, 400, "there is no session whose browser runs it");
  }
  assert.equal(provider.requests.length, 0);
});

const silent = { PROVIDER_TIMEOUT: "0.3", PROVIDER_FIRST_TOKEN_TIMEOUT: "1.2" };
const comments = Array.from({ length: 100 }, () => [": alive\n\n", 100]).flat();
const SILENCES: [name: string, Script, content: string, words: RegExp | undefined][] = [
  [
    "a cold model before the head",
    { headAfterMs: 700, wire: [H, W, STOP, DONE] },
    "Hello world",
    undefined,
  ],
  [
    "a cold model after the head",
    { wire: [": hi\n\n", 700, H, W, STOP, DONE] },
    "Hello world",
    undefined,
  ],
  [
    "comments keep a silence alive",
    { wire: [H, ...comments.slice(0, 12), W, STOP, DONE] },
    "Hello world",
    undefined,
  ],
  [
    "silence within the answer",
    { wire: [H], end: "hang" },
    "Hello ",
    /nothing came for 0\.3 seconds/,
  ],
  [
    "silence before the first word",
    { wire: [": hi\n\n"], end: "hang" },
    "",
    /not a word within 1\.2/,
  ],
  [
    "X20: only comments, within the answer",
    { wire: [H, ...comments] },
    "Hello ",
    /signs of life for 1\.2/,
  ],
  ["X20: only comments", { wire: comments }, "", /signs of life, and not a word within 1\.2/],
];

Deno.test("silence has its limits, a longer one before the first word; comments count for a while", async (t) => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl, ...silent });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  for (const [name, script, content, words] of SILENCES) {
    await t.step(name, async () => {
      provider.script = script;
      const chatId = await newChat(ada, "titled");
      await ask(ada, chatId);
      await answered(client, chatId);
      const stored = await message(ada, chatId);
      assert.equal(stored.content, content);
      if (!words) return assert.equal(stored.error, undefined);
      assert.equal(stored.error?.code, "timeout");
      assert.match(stored.error?.content ?? "", words);
    });
  }
});

/** A provider that refuses what strict ones refuse. */
const strict = (asked: Record<string, unknown>): Script => {
  const messages = asked["messages"] as { role: string; content?: string }[];
  const isBad = messages.some(({ role, content }) => role === "assistant" && !content?.trim());
  return isBad
    ? { status: 400, ...body({ error: { message: "assistant message must not be empty" } }) }
    : { wire: [H, W, STOP, DONE] };
};

Deno.test("W3: one failed answer does not poison the chat: it is not sent as an empty message", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "titled");
  provider.script = { status: 500, body: "down" };
  await ask(ada, chatId, { id: "a1" });
  await answered(client, chatId);
  provider.script = strict;
  const own = {
    messages: [
      { role: "user", content: "one" },
      { role: "assistant", content: "", error: { content: "down" } },
      { role: "assistant", content: "<think>hm</think>said", reasoning_content: "hm" },
      { role: "user", content: "two" },
    ],
  };
  await ask(ada, chatId, { id: "a2", ...own });
  await until(async () => (await message(ada, chatId, "a2")).done, { what: "the second answer" });
  assert.equal((await message(ada, chatId, "a2")).content, "Hello world");
  assert.deepEqual(provider.requests.at(-1)?.body["messages"], [
    { role: "user", content: "one" },
    { role: "assistant", content: "said" },
    { role: "user", content: "two" },
  ]);
  await kept(ada, chatId);
  assert.deepEqual(provider.requests.at(-1)?.body["messages"], [
    { role: "user", content: "What is it?" },
    { role: "user", content: "three" },
  ]);
});

/** A question that the server puts into the chat itself, below the answer that failed. */
async function kept(ada: Person, chatId: string): Promise<void> {
  await ada.json("POST", "/api/chat/completions", {
    ...{ model: "stand-in", chat_id: chatId, stream: true, id: "a3", parent_id: "a1" },
    user_message: { id: "q3", role: "user", content: "three", parentId: "a1", childrenIds: [] },
  });
  await until(async () => (await message(ada, chatId, "a3")).done, { what: "the third answer" });
  assert.equal((await message(ada, chatId, "a3")).error, undefined);
}

Deno.test("sanitised() keeps calls that were answered, drops others, thoughts and pictures", () => {
  const call = [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }];
  assert.deepEqual(
    sanitised([
      { role: "assistant", content: "", tool_calls: call },
      { role: "tool", content: "42" },
      { role: "assistant", content: "x", tool_calls: call, usage: {}, files: [] },
      { role: "assistant", content: [{ type: "thinking", thinking: "hm" }] },
      { role: "assistant", content: `![a](data:image/png;base64,AAAA) ok` },
      { role: "assistant", content: '<details type="reasoning" done="true">hm</details>\nsaid' },
    ]),
    [
      { role: "assistant", content: "", tool_calls: call },
      { role: "tool", content: "42" },
      { role: "assistant", content: "x" },
      { role: "assistant", content: "![a]() ok" },
      { role: "assistant", content: "said" },
    ],
  );
});

Deno.test("an answer that was cut goes on in a new generation that begins with the old text", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const chatId = await newChat(ada, "titled");
  provider.script = { wire: [H, sse(choice({}, "length")), DONE] };
  await ask(ada, chatId);
  await answered(client, chatId);
  const cut = await message(ada, chatId);
  assert.equal(cut.finish_reason, "length");
  provider.script = { wire: [W, STOP, DONE] };
  const go = { model: "stand-in", stream: true, chat_id: chatId, id: "a", continue: true };
  await ada.json("POST", "/api/chat/completions", go);
  await until(async () => (await message(ada, chatId)).content === "Hello world", { what: "more" });
  const whole = await message(ada, chatId);
  assert.deepEqual([whole.finish_reason, whole.done, whole.error], ["stop", true, undefined]);
  assert.notEqual(whole.generation, cut.generation);
  const { messages, continue: told } = provider.requests.at(-1)?.body ?? {};
  assert.deepEqual((messages as unknown[]).at(-1), { role: "assistant", content: "Hello " });
  assert.equal(told, undefined, "our own word for it reaches no provider");
  const unknown = await ada.status("POST", "/api/chat/completions", { ...go, id: "none" });
  assert.equal(unknown, 404);
});
