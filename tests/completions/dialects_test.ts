import assert from "node:assert/strict";
import type { AnswerFile, ToolCall } from "../../lib/protocol/answer_outcome.ts";
import type { CompletionData } from "../../lib/protocol/events.ts";
import { ToolCalls } from "../../lib/completions/tool_calls.ts";
import { answered, ask, completions, message, newChat } from "../e2e/support/chat.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { connect, type Person, signUp, startServer } from "../support/server.ts";
import { type Dialect, ENDS, type Expected, TEXTS, THOUGHTS } from "./dialects.ts";

/** What a client has read of an answer, by whichever way. */
interface Read {
  content: string;
  reasoning_content?: string;
  refusal?: string;
  finish_reason?: string;
  tool_calls?: ToolCall[];
  error?: { code: string; content: string };
  files?: unknown[];
}

function check(read: Read, expected: Expected): void {
  const { error, words, files, ...fields } = expected;
  assert.equal(read.content.length, (fields.content ?? "").length, "the text's length");
  assert.equal(read.content, fields.content ?? "");
  assert.equal(read.reasoning_content || undefined, fields.reasoning_content);
  assert.equal(read.refusal, fields.refusal);
  if (!error) assert.equal(read.finish_reason, fields.finish_reason);
  assert.deepEqual(read.tool_calls, fields.tool_calls);
  assert.equal(read.error?.code, error, read.error?.content ?? "no error");
  if (words) assert.match(read.error?.content ?? "", words);
  const urls = (read.files ?? []).map((file) => (file as AnswerFile).url);
  assert.deepEqual(urls, files ?? []);
}

/** The answer as a client puts it together from its events. */
function ofEvents(all: readonly CompletionData[]): Read {
  const read: Read = { content: "" };
  for (const data of all) {
    const delta = data.choices?.[0].delta;
    if (delta?.was_reasoning) {
      read.reasoning_content = (read.reasoning_content ?? "") + read.content;
      read.content = "";
    }
    read.content += delta?.content ?? "";
    if (delta?.reasoning_content) {
      read.reasoning_content = (read.reasoning_content ?? "") + delta.reasoning_content;
    }
    if (data.files) read.files = [...read.files ?? [], ...data.files];
    const { finish_reason, refusal, tool_calls, error } = data;
    Object.assign(read, JSON.parse(JSON.stringify({ finish_reason, refusal, tool_calls, error })));
  }
  return read;
}

/** The answer as an OpenAI-compatible client reads it: strictly, one line of data an event. */
function ofStream(text: string): Read {
  const events = text.split("\n\n");
  assert.equal(events.pop(), "", "the last event is ended");
  const read: Read = { content: "" };
  const calls = new ToolCalls();
  for (const event of events) {
    assert.match(event, /^data: [^\n]+$/);
    const data = event.slice("data: ".length);
    if (data === "[DONE]") continue;
    const chunk = JSON.parse(data);
    if (chunk.error) {
      read.error = { code: chunk.error.code, content: chunk.error.message };
      continue;
    }
    for (const { index, delta, finish_reason } of chunk.choices ?? []) {
      if (index !== 0 && index !== undefined) continue;
      if (finish_reason) read.finish_reason = finish_reason;
      if (delta === undefined) continue;
      read.content += delta.content ?? "";
      const reasoning = delta.reasoning_content || delta.reasoning ||
        (delta.reasoning_details ?? []).map(({ text }: { text: string }) => text).join("");
      if (reasoning) read.reasoning_content = (read.reasoning_content ?? "") + reasoning;
      if (delta.refusal) read.refusal = (read.refusal ?? "") + delta.refusal;
      const images = (delta.images ?? []).map(
        (image: { image_url: { url: string } }) => ({ type: "image", url: image.image_url.url }),
      );
      if (images.length > 0) read.files = [...read.files ?? [], ...images];
      calls.push(delta.tool_calls ?? []);
    }
  }
  const whole = calls.whole();
  return whole ? { ...read, tool_calls: whole } : read;
}

const GROUPS: Record<string, Dialect[]> = {
  "the text arrives once and whole": TEXTS,
  "W4: the end is told as it was": ENDS,
  "thoughts are told apart from words": THOUGHTS,
};

Deno.test("the dialects of providers, in a chat and passed through", async (t) => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  let count = 0;
  for (const [group, dialects] of Object.entries(GROUPS)) {
    for (const { name, script, expected, raw } of dialects) {
      const isRight = await t.step(`${group}: ${name}`, async (t) => {
        provider.script = script;
        await t.step("in a chat", async () => {
          const chatId = await newChat(ada, "titled");
          await ask(ada, chatId);
          await answered(client, chatId);
          check(await message(ada, chatId), expected);
          check(ofEvents(completions(client, chatId).map(({ data }) => data.data)), expected);
          const resumed = await client.socket.emitWithAck("chat:resume", { chat_id: chatId });
          assert.equal(resumed.content, expected.content ?? "");
          assert.equal(resumed.reasoning, expected.reasoning_content);
          assert.equal(resumed.files?.length, expected.files?.length);
          assert.equal(resumed.refusal, expected.refusal);
        });
        await t.step("without a chat", async () => {
          check(ofStream(await passed(ada)), rawOf(expected, raw));
        });
      });
      if (isRight) count++;
    }
  }
  const all = Object.values(GROUPS).flat().length;
  say(`dialects: ${count} of ${all}`);
  assert.equal(count, all);
});

/** Passed through, reasons stay in the provider's own words where its chunks are well made. */
function rawOf(expected: Expected, raw: Partial<Expected> = {}): Expected {
  return { ...expected, ...raw };
}

async function passed(person: Person): Promise<string> {
  const response = await person.call("POST", "/api/chat/completions", {
    model: "stand-in",
    stream: true,
    messages: [{ role: "user", content: "?" }],
  });
  assert.equal(response.status, 200);
  return await response.text();
}
