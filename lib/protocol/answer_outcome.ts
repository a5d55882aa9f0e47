/** How an answer ended: fields of the stored message, and of the last `chat:completion` event. */
import type { ErrorCode } from "./error_codes.ts";

/** A call of a tool that a model asked for, whole, in OpenAI's shape. */
export interface ToolCall {
  /** The provider's name for the call. */
  id?: string;
  /** The only kind there is. */
  type: "function";
  /** `arguments` is the JSON that the model wrote, which may be broken. */
  function: { name: string; arguments: string };
}

/** A picture that a model returned, in Open WebUI's shape. */
export interface AnswerFile {
  /** The only kind there is. */
  type: "image";
  /** An address, or a data URI. */
  url: string;
}

/** Why there is no (whole) answer; `content` is written for the reader. */
export interface AnswerError {
  /** What a program goes by. */
  code: ErrorCode;
  /** Why, in words for the reader. */
  content: string;
}

/** How long an answer took, as the instance saw it that wrote it, in milliseconds. */
export interface AnswerTiming {
  /** From the request to the first word or thought. */
  first_ms: number;
  /** From there to the end. */
  streaming_ms: number;
  /** From the first thought to the first word; left out: the model showed no thought. */
  reasoning_ms?: number;
}

/**
 * How an answer ended. An answer that was cut at its limit, filtered or refused has no `error`: its
 * `finish_reason` or `refusal` says so. A broken stream is `stream_broken`, an answer without any
 * word, picture or tool call `empty_answer`, what the provider itself reports `provider_error`.
 */
export interface AnswerOutcome {
  /** The provider's own: `stop`, `length`, `content_filter`, `tool_calls`, … */
  finish_reason?: string;
  /** The model's own words in which it refused, whole. */
  refusal?: string;
  /** Calls that the model asked for instead of an answer. */
  tool_calls?: ToolCall[];
  /** Why there is no answer, or no whole one. */
  error?: AnswerError;
  /** It ended by a stop, or with the instance that wrote it. */
  interrupted?: boolean;
  /** Somebody has stopped it; without this, an interrupted answer ended with its instance. */
  stopped?: boolean;
  /** Tokens and times as the provider counts them. */
  usage?: Record<string, unknown>;
  /** Left out of an answer that was continued. */
  timing?: AnswerTiming;
}

const OUTCOME = [
  "finish_reason",
  "refusal",
  "tool_calls",
  "error",
  "interrupted",
  "stopped",
  "usage",
  "timing",
] as const satisfies (keyof AnswerOutcome)[];

/** What of these fields says how an answer ended. */
export function outcomeOf(fields: Partial<Record<keyof AnswerOutcome, unknown>>): AnswerOutcome {
  const said = OUTCOME.filter((name) => fields[name] !== undefined && fields[name] !== false);
  return Object.fromEntries(said.map((name) => [name, fields[name]]));
}
