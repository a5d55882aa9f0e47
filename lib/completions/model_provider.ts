import type { AnswerFile } from "../protocol/answer_outcome.ts";

/** A message as a model is asked with it: OpenAI's own shape. */
export interface RequestMessage {
  role: string;
  /** Text, or OpenAI's list of parts. */
  content?: unknown;
  [field: string]: unknown;
}

/** What a model is asked. Parameters that are not named here reach the provider as they are. */
export interface CompletionRequest {
  model: string;
  messages: RequestMessage[];
  [parameter: string]: unknown;
}

/** What a read of a model's stream brought: deltas, never the whole text. */
export interface CompletionChunk {
  /** What came before as content was reasoning: only its end was marked. This chunk comes after. */
  wasReasoning?: true;
  content?: string;
  reasoning?: string;
  /** Words in which the model refuses. */
  refusal?: string;
  files?: AnswerFile[];
  /** Deltas of tool calls, in OpenAI's shape. */
  toolCalls?: unknown[];
  usage?: Record<string, unknown>;
  /** Why the model ended, in OpenAI's words: `stop`, `length`, `tool_calls`… */
  finishReason?: string;
}

export interface Model {
  id: string;
  name: string;
  /** `built-in`: of this server itself. */
  owned_by?: string;
}

/** Somebody who runs models: a server, this process, or a user's browser. */
export interface ModelProvider {
  /** For log lines. */
  readonly name: string;
  /** Whether its models can be asked to write a title; what only repeats can't. */
  readonly writesTitles: boolean;
  models(signal: AbortSignal): Promise<Model[]>;
  /**
   * Streams an answer. Ends normally only when the provider has ended it; throws `AppError`
   * (`provider_error`, `stream_broken`, `timeout`, `rate_limited`, `too_large`) with a text for the
   * chat when it has not, and the signal's reason when it is aborted, which closes the connection at
   * once.
   */
  stream(request: CompletionRequest, signal: AbortSignal): AsyncIterable<CompletionChunk>;
  /**
   * The provider's own answer, as it comes. Who has none is served by `passThrough` of
   * `pass_through.ts`, which writes the stream's chunks in OpenAI's shape.
   */
  raw?(request: CompletionRequest, signal: AbortSignal): Promise<Response>;
}

/** The text of a message, whether it is given as text or as parts. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => typeof part?.text === "string" ? part.text as string : "")
    .join("");
}

/** What the user said last. */
export function lastUserText(messages: readonly RequestMessage[]): string {
  return textOf(messages.findLast(({ role }) => role === "user")?.content);
}
