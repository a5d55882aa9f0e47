import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import type { AnswerFile } from "../protocol/answer_outcome.ts";
import type { CompletionChunk } from "./model_provider.ts";
import { fieldsOf } from "./provider_words.ts";
import { ToolCalls } from "./tool_calls.ts";

type Fields = Record<string, unknown>;

/** What a chunk's body says of the first choice. */
export interface ReadChunk extends CompletionChunk {
  /** It is not a delta: it says (again) all that the model said. */
  isWhole?: true;
}

/** Other words for OpenAI's reasons, of Gemini, Anthropic, Mistral and vLLM. */
const FINISH_REASONS: Record<string, string> = {
  end_turn: "stop",
  eos: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_length: "length",
  function_call: "tool_calls",
  tool_use: "tool_calls",
  safety: "content_filter",
  recitation: "content_filter",
  blocklist: "content_filter",
  prohibited_content: "content_filter",
  refusal: "content_filter",
  sensitive: "content_filter",
};

/**
 * Reads one JSON body of a chat completion, streamed (`delta`) or whole (`message`), as OpenAI and
 * those who resemble it write them. What it does not know is left out; errors are `errorIn`'s.
 */
export function readChunk(body: Fields): ReadChunk {
  const chunk: ReadChunk = {};
  const usage = fieldsOf(body["usage"]);
  if (usage) chunk.usage = usage;
  const choices = Array.isArray(body["choices"]) ? body["choices"].map(fieldsOf) : [];
  const choice = choices.find((each) => each && (each["index"] ?? 0) === 0) ?? ollama(body);
  if (!choice) return chunk;

  const finishReason = choice["finish_reason"] ?? choice["finishReason"];
  if (typeof finishReason === "string" && !/^(null|none)?$/i.test(finishReason)) {
    const reason = finishReason.toLowerCase();
    chunk.finishReason = FINISH_REASONS[reason] ?? reason;
  }
  const delta = fieldsOf(choice["delta"]);
  const message = fieldsOf(choice["message"]);
  if (delta) readSaid(delta, chunk);
  // A last chunk may carry the whole message beside an empty delta.
  if (message && Object.keys(chunk).every((name) => name === "usage" || name === "finishReason")) {
    readSaid(message, chunk);
    chunk.isWhole = true;
  }
  // Completions of the older API, and servers that mix both.
  if (!delta && !message && typeof choice["text"] === "string" && choice["text"] !== "") {
    chunk.content = choice["text"];
  }
  return chunk;
}

/** Ollama's own API says the message without choices, and its end by `done`. */
function ollama(body: Fields): Fields | undefined {
  if (!fieldsOf(body["message"]) || typeof body["done"] !== "boolean") return undefined;
  const reason = body["done"] ? body["done_reason"] ?? "stop" : null;
  return { delta: body["message"], finish_reason: reason };
}

function readSaid(said: Fields, chunk: ReadChunk): void {
  const content = textOfParts(said["content"]);
  const isPicture = PICTURE.test(content.text);
  if (content.text !== "" && !isPicture) chunk.content = content.text;
  const reasoning = [
    textOfParts(said["reasoning_content"]).text,
    textOfParts(said["reasoning"]).text,
    textOfParts(said["reasoning_details"]).reasoning,
    textOfParts(said["thinking"]).text,
    textOfParts(said["reasoning_text"]).text,
    textOfParts(said["thinking_blocks"]).reasoning,
    content.reasoning,
  ].find((text) => text !== "");
  if (reasoning !== undefined) chunk.reasoning = reasoning;
  const refusal = [textOfParts(said["refusal"]).text, content.refusal].find((text) => text !== "");
  if (refusal !== undefined) chunk.refusal = refusal;
  const parts = Array.isArray(said["content"]) ? said["content"].filter(fieldsOf) : [];
  const texts = isPicture ? [content.text] : [];
  const files = [said["images"], said["image"], parts, texts].flatMap(picturesOf);
  if (files.length > 0) chunk.files = files;
  const { tool_calls: calls, function_call: call } = said;
  if (Array.isArray(calls) && calls.length > 0) chunk.toolCalls = calls;
  else if (fieldsOf(call)) chunk.toolCalls = [{ index: 0, type: "function", function: call }];
}

/** A delta that is a picture and nothing else: shown as text it would be a wall of letters. */
const PICTURE = /^\s*data:image\/[\w.+-]+;base64,[\w+/=\s-]{32,}$/i;

interface Texts {
  text: string;
  reasoning: string;
  refusal: string;
}

/** Text that is given as text, as a part, or as a list of parts, by what each part is. */
function textOfParts(content: unknown): Texts {
  const texts: Texts = { text: "", reasoning: "", refusal: "" };
  for (const part of Array.isArray(content) ? content : [content]) {
    if (typeof part === "string") texts.text += part;
    const fields = fieldsOf(part);
    if (!fields) continue;
    const type = typeof fields["type"] === "string" ? fields["type"] : "text";
    const inner = ["text", "thinking", "summary", "content", "refusal"]
      .map((name) => fields[name])
      .find((value) => typeof value === "string" || Array.isArray(value));
    const words = typeof inner === "string" ? inner : textOfParts(inner ?? "").text;
    if (/think|reason/.test(type)) texts.reasoning += words;
    else if (type === "refusal") texts.refusal += words;
    else if (/text/.test(type)) texts.text += words;
  }
  return texts;
}

/** Pictures as OpenAI, OpenRouter and Gemini's gateways name them. */
function picturesOf(list: unknown): AnswerFile[] {
  const found: AnswerFile[] = [];
  for (const item of Array.isArray(list) ? list : [list]) {
    const fields = fieldsOf(item);
    const named = fields?.["image_url"] ?? fields?.["url"] ??
      (Array.isArray(list) ? item : undefined);
    const base64 = fields?.["b64_json"];
    const url = typeof base64 === "string"
      ? `data:image/png;base64,${base64}`
      : fieldsOf(named)?.["url"] ?? named;
    if (typeof url === "string" && /^\s*(data:image\/|https?:\/\/)/i.test(url)) {
      found.push({ type: "image", url: url.trim() });
    }
  }
  return found;
}

/** The delta that says what the chunk says, the inverse of {@linkcode readChunk}. */
export function deltaOf(chunk: CompletionChunk): Fields {
  return {
    ...(chunk.content !== undefined && { content: chunk.content }),
    ...(chunk.reasoning !== undefined && { reasoning_content: chunk.reasoning }),
    ...(chunk.refusal !== undefined && { refusal: chunk.refusal }),
    ...(chunk.files && {
      images: chunk.files.map(({ url }) => ({ type: "image_url", image_url: { url } })),
    }),
    ...(chunk.toolCalls && { tool_calls: chunk.toolCalls }),
  };
}

/** Writes a chunk as OpenAI does. */
export function writeChunk(chunk: CompletionChunk, id: string, model: string, created: number) {
  const choice = { index: 0, delta: deltaOf(chunk), finish_reason: chunk.finishReason ?? null };
  return {
    ...{ id, object: "chat.completion.chunk", created, model, choices: [choice] },
    ...(chunk.usage && { usage: chunk.usage }),
  };
}

/** Chunks as one answer that is not streamed, as OpenAI writes it. */
export function wholeCompletion(
  chunks: readonly (CompletionChunk | undefined)[],
  model: string,
  clock: Clock = systemClock,
) {
  const whole: CompletionChunk = {};
  for (const chunk of chunks) if (chunk) extendChunk(whole, chunk);
  const { toolCalls, usage, finishReason = "stop", ...said } = whole;
  const calls = new ToolCalls();
  calls.push(toolCalls ?? []);
  const message = { role: "assistant", content: "", ...deltaOf(said) };
  return {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: "chat.completion",
    created: unixSeconds(clock),
    model,
    choices: [{
      index: 0,
      message: { ...message, ...(toolCalls && { tool_calls: calls.whole() }) },
      finish_reason: finishReason,
    }],
    ...(usage && { usage }),
  };
}

/** Two chunks in a row as one; neither is changed. */
export function joinChunks(earlier: CompletionChunk, later: CompletionChunk): CompletionChunk {
  return extendChunk({ ...earlier }, later);
}

/** Adds the next chunk to one that is the caller's own, and returns it. */
export function extendChunk(into: CompletionChunk, next: CompletionChunk): CompletionChunk {
  if (next.wasReasoning) {
    into.wasReasoning = true;
    if (into.content !== undefined) into.reasoning = (into.reasoning ?? "") + into.content;
    delete into.content;
  }
  for (const name of ["content", "reasoning", "refusal"] as const) {
    if (next[name] !== undefined) into[name] = (into[name] ?? "") + next[name];
  }
  if (next.files) into.files = [...into.files ?? [], ...next.files];
  if (next.toolCalls) into.toolCalls = [...into.toolCalls ?? [], ...next.toolCalls];
  if (next.usage) into.usage = next.usage;
  if (next.finishReason !== undefined) into.finishReason = next.finishReason;
  return into;
}
