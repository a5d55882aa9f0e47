import { AppError } from "../common/errors.ts";
import { type CompletionChunk, textOf } from "./model_provider.ts";

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Fields
    : undefined;
}

/** The longest part of a provider's own words that is shown. */
const MAX_SHOWN = 500;

/** The words of an error object in a provider's answer, if it is one. */
export function providerWords(body: unknown): string | undefined {
  const error = fieldsOf(body)?.["error"];
  if (!error) return undefined;
  const text = typeof error === "string" ? error : fieldsOf(error)?.["message"];
  return typeof text === "string" && text !== "" ? text.slice(0, MAX_SHOWN) : "no reason given";
}

/**
 * Reads one JSON chunk of a chat completion, streamed (`delta`) or whole (`message`).
 *
 * Throws `AppError("provider_error")` for what is no JSON object and for an `error` object.
 */
export function readChunk(data: string): CompletionChunk {
  let body: Fields | undefined;
  try {
    body = fieldsOf(JSON.parse(data));
  } catch {
    body = undefined;
  }
  if (!body) {
    throw new AppError("provider_error", "The model provider sent a chunk that is no JSON.");
  }
  const words = providerWords(body);
  if (words !== undefined) {
    throw new AppError("provider_error", `The model provider reports an error: ${words}`);
  }

  const chunk: CompletionChunk = {};
  const usage = fieldsOf(body["usage"]);
  if (usage) chunk.usage = usage;
  const choices = Array.isArray(body["choices"]) ? body["choices"].map(fieldsOf) : [];
  const choice = choices.find((each) => (each?.["index"] ?? 0) === 0);
  if (!choice) return chunk;

  const delta = fieldsOf(choice["delta"] ?? choice["message"]) ?? {};
  const content = textOf(delta["content"]);
  if (content !== "") chunk.content = content;
  const reasoning = textOf(delta["reasoning_content"] ?? delta["reasoning"]);
  if (reasoning !== "") chunk.reasoning = reasoning;
  if (Array.isArray(delta["tool_calls"]) && delta["tool_calls"].length > 0) {
    chunk.toolCalls = delta["tool_calls"];
  }
  const finishReason = choice["finish_reason"];
  if (typeof finishReason === "string" && finishReason !== "") chunk.finishReason = finishReason;
  return chunk;
}

/** Writes a chunk as OpenAI does, the inverse of {@linkcode readChunk}. */
export function writeChunk(chunk: CompletionChunk, id: string, model: string, created: number) {
  const delta: Fields = {};
  if (chunk.content !== undefined) delta["content"] = chunk.content;
  if (chunk.reasoning !== undefined) delta["reasoning_content"] = chunk.reasoning;
  if (chunk.toolCalls) delta["tool_calls"] = chunk.toolCalls;
  return {
    id,
    object: "chat.completion.chunk",
    created,
    model,
    choices: [{ index: 0, delta, finish_reason: chunk.finishReason ?? null }],
    ...(chunk.usage && { usage: chunk.usage }),
  };
}

/** Two chunks in a row as one; neither is changed. */
export function joinChunks(earlier: CompletionChunk, later: CompletionChunk): CompletionChunk {
  const joined: CompletionChunk = { ...earlier, ...later };
  if (earlier.content && later.content) joined.content = earlier.content + later.content;
  if (earlier.reasoning && later.reasoning) joined.reasoning = earlier.reasoning + later.reasoning;
  if (earlier.toolCalls && later.toolCalls) {
    joined.toolCalls = [...earlier.toolCalls, ...later.toolCalls];
  }
  return joined;
}
