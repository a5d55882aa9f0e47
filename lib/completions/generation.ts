import { errorText, toAppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { AnswerError, AnswerOutcome } from "../protocol/answer_outcome.ts";
import type { CompletionData, CompletionDelta, CompletionEvent } from "../protocol/events.ts";
import {
  type AnswerBase,
  type AnswerEnd,
  type AnswerMessages,
  type AnswerRef,
  endOf,
  type EndStored,
} from "./answer_messages.ts";
import { AnswerClock } from "./answer_clock.ts";
import type { LiveStream } from "./live_stream.ts";
import type { CompletionChunk, CompletionRequest, ModelProvider } from "./model_provider.ts";
import { pause } from "../common/pause.ts";
import { paced } from "./paced.ts";
import type { StreamRegistry } from "./stream_registry.ts";
import { STOPPED } from "../common/stopped.ts";
import { ToolCalls } from "./tool_calls.ts";

/** What a generation needs of the rest of the server; tied by `app`. */
export interface GenerationPorts {
  /** Sends to the user's sockets; never waits and never throws. */
  emit(userId: string, event: CompletionEvent): void;
  messages: AnswerMessages;
  streams: StreamRegistry;
  logger: Logger;
}

export interface GenerationOptions {
  userId: string;
  chatId: string;
  messageId: string;
  /** The message that it answers. Default: none. */
  parentId?: string | null;
  /** The task that runs it, for Open WebUI's own list of streams. */
  taskId?: string;
  request: CompletionRequest;
  provider: ModelProvider;
  /** Stops the answer: what was streamed is stored as `interrupted`. */
  signal: AbortSignal;
  ports: GenerationPorts;
  /** The answer that is continued: the new generation's text begins with it. Default: none. */
  base?: AnswerBase | undefined;
  /** The least time between two events of the text, in milliseconds. Default: 0, one for each chunk. */
  paceMs?: number;
}

export interface GenerationResult {
  state: "done" | "interrupted" | "failed" | "superseded";
  generation: string | undefined;
  content: string;
  outcome: AnswerOutcome;
}

/**
 * How often the end of an answer is tried to be stored before it is told, and the first wait between,
 * in milliseconds. What is not stored then, is later.
 */
const STORE_ATTEMPTS = 4;
const STORE_FIRST_DELAY_MS = 100;

/** A message that is not there any more is not one that was generated again: its reader waits. */
const GONE: AnswerError = {
  code: "not_found",
  content: "The message is not kept any more: its answer could not be stored.",
};

/**
 * Runs one generation of one message, from the stored begin to the stored end (docs/protocol.md, section 7).
 *
 * Never throws: whatever happens is told in the chat, stored in the message and returned. A
 * generation that a newer one has superseded falls silent at once.
 */
export async function runGeneration(options: GenerationOptions): Promise<GenerationResult> {
  const { userId, chatId, messageId, parentId = null, taskId, request, ports } = options;
  let stream: LiveStream;
  try {
    stream = await ports.streams.begin({ userId, chatId, messageId, ...(taskId && { taskId }) });
  } catch (thrown) {
    const error = shown(thrown, ports.logger);
    const generation = crypto.randomUUID();
    ports.emit(userId, completion(chatId, messageId, 1, { generation, done: true, error }));
    const end: AnswerEnd = { content: "", done: true, error };
    const ref = { userId, chatId, messageId, generation };
    ports.streams.owe(() => endUnbegun(ports.messages, ref, end));
    return { state: "failed", generation: undefined, content: "", outcome: { error } };
  }

  const ref: AnswerRef = { userId, chatId, messageId, generation: stream.generation };
  let outcome: AnswerOutcome;
  let isBegun = false;
  try {
    stream.superseded.throwIfAborted();
    const { base } = options;
    await ports.messages.begin(ref, { model: request.model, parentId, base });
    isBegun = true;
    ports.streams.begun(stream);
    if (base) tell(options, stream, base, base.reasoning_content);
    outcome = await streamAnswer(options, stream);
  } catch (thrown) {
    outcome = stream.superseded.aborted ? {} : { error: shown(thrown, ports.logger) };
  }
  return await finish(options, stream, ref, outcome, isBegun);
}

/** Adds a part to the stream and tells it; what adds nothing is left out. */
function tell(
  { userId, chatId, messageId, ports, base }: GenerationOptions,
  stream: LiveStream,
  chunk: Pick<CompletionChunk, "content" | "refusal" | "files" | "wasReasoning">,
  reasoning = "",
): void {
  const { content = "", refusal, files } = chunk;
  // What was said before the answer was continued was no thought.
  const wasReasoning = chunk.wasReasoning && !base && !stream.hasReasoning;
  if (content === "" && reasoning === "" && !refusal && !files && !wasReasoning) return;
  const seq = stream.append({
    content,
    reasoning,
    ...(refusal && { refusal }),
    ...(files && { files }),
    ...(wasReasoning && { wasReasoning }),
  });
  const delta: CompletionDelta = {
    ...(wasReasoning && { was_reasoning: true }),
    ...(content !== "" && { content }),
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...(refusal && { refusal }),
  };
  const { generation } = stream;
  ports.emit(
    userId,
    completion(chatId, messageId, seq, {
      generation,
      ...(Object.keys(delta).length > 0 && { choices: [{ index: 0, delta }] }),
      ...(files && { files }),
    }),
  );
}

/** Streams until the end, and says how it ended. */
async function streamAnswer(
  options: GenerationOptions,
  stream: LiveStream,
): Promise<AnswerOutcome> {
  const { request, provider, ports, paceMs = 0 } = options;
  const signal = AbortSignal.any([options.signal, stream.superseded]);
  const open = (signal: AbortSignal) => provider.stream(request, signal);
  const outcome: AnswerOutcome = {};
  const toolCalls = new ToolCalls();
  const clock = new AnswerClock();
  const begunAt = stream.seq;
  try {
    for await (const chunk of paced(open, paceMs, signal)) {
      if (signal.aborted) break;
      clock.see(chunk);
      if (chunk.usage) outcome.usage = chunk.usage;
      if (chunk.finishReason !== undefined) outcome.finish_reason = chunk.finishReason;
      if (chunk.toolCalls) toolCalls.push(chunk.toolCalls);
      tell(options, stream, chunk, chunk.reasoning);
      if (stream.log.isBehind) await stream.log.caughtUp(signal);
    }
  } catch (thrown) {
    if (!signal.aborted) outcome.error = shown(thrown, ports.logger);
  }
  // Of an answer that goes on, this would be the time of its end only.
  const timing = options.base ? undefined : clock.timing();
  if (timing) outcome.timing = timing;
  const calls = toolCalls.whole();
  if (calls) outcome.tool_calls = calls;
  const { refusal } = stream.text();
  if (refusal !== undefined) outcome.refusal = refusal;
  if (options.signal.aborted) {
    outcome.interrupted = true;
    if (options.signal.reason === STOPPED) outcome.stopped = true;
  } else if (isEmpty(stream, outcome, begunAt)) {
    const content = stream.seq > begunAt
      ? "The model thought, and said nothing."
      : "The model's answer was empty.";
    outcome.error = { code: "empty_answer", content };
  }
  return outcome;
}

/** An answer without a word, a picture or a call, for which nothing else says why. */
function isEmpty(stream: LiveStream, outcome: AnswerOutcome, begunAt: number): boolean {
  const { error, finish_reason: reason, refusal, tool_calls: calls } = outcome;
  if (error ?? refusal ?? calls) return false;
  if (reason === "length" || reason === "content_filter") return false;
  const { content, files } = stream.textAfter(begunAt);
  return content.trim() === "" && files === undefined;
}

/** Stores the end, whatever the signal says, then tells it. */
async function finish(
  options: GenerationOptions,
  stream: LiveStream,
  ref: AnswerRef,
  outcome: AnswerOutcome,
  isBegun: boolean,
): Promise<GenerationResult> {
  const { userId, chatId, messageId, ports } = options;
  const text = stream.text();
  const end: AnswerEnd = { ...endOf(text), ...outcome };
  let owed: (() => Promise<unknown>) | undefined;
  let isSuperseded = stream.superseded.aborted;
  const isWaiting = !isBegun && !isSuperseded && outcome.error?.code !== "not_found";
  if (isWaiting) owed = () => endUnbegun(ports.messages, ref, end);
  if (isBegun && !isSuperseded) {
    try {
      const stored = await storeEnd(ports.messages, ref, end, stream.superseded);
      isSuperseded = stored === "superseded";
      // Whoever reads along is told; who has stopped or deleted it knows.
      if (stored === "gone" && !outcome.interrupted) outcome.error ??= GONE;
    } catch (thrown) {
      isSuperseded = stream.superseded.aborted;
      ports.logger.warn("an answer is not stored yet", { chatId, error: errorText(thrown) });
      if (!isSuperseded) owed = () => ports.messages.finish(ref, end);
    }
  }
  if (isSuperseded) stream.supersede();

  const { usage: _, timing: _timing, refusal: __, ...how } = outcome;
  const seq = stream.end(how);
  const { generation } = stream;
  if (!isSuperseded) {
    ports.emit(userId, completion(chatId, messageId, seq, { generation, done: true, ...outcome }));
  }
  await ports.streams.close(stream, how, owed);
  const { error, interrupted } = outcome;
  return {
    state: isSuperseded ? "superseded" : error ? "failed" : interrupted ? "interrupted" : "done",
    generation,
    content: text.content,
    outcome,
  };
}

/** Without its end, the message of an answer that could not begin would wait for it for ever. */
async function endUnbegun(
  messages: AnswerMessages,
  ref: AnswerRef,
  end: AnswerEnd,
): Promise<void> {
  await messages.finish(ref, end, { isBegun: false });
}

async function storeEnd(
  messages: AnswerMessages,
  ref: AnswerRef,
  end: AnswerEnd,
  superseded: AbortSignal,
): Promise<EndStored> {
  for (let attempt = 1;; attempt++) {
    try {
      return await messages.finish(ref, end);
    } catch (error) {
      if (attempt === STORE_ATTEMPTS) throw error;
      await pause(STORE_FIRST_DELAY_MS * 2 ** (attempt - 1), superseded);
      superseded.throwIfAborted();
    }
  }
}

function shown(thrown: unknown, logger: Logger): AnswerError {
  const error = toAppError(thrown);
  const level = error.code === "internal" ? "error" : "warn";
  logger[level]("a generation failed", { code: error.code, error: errorText(thrown) });
  return { code: error.code, content: error.message };
}

function completion(
  chatId: string,
  messageId: string,
  seq: number,
  data: CompletionData,
): CompletionEvent {
  return { chat_id: chatId, message_id: messageId, data: { type: "chat:completion", data }, seq };
}
