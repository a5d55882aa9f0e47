import { AppError, errorText, toAppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { CompletionData, CompletionEvent } from "../protocol/events.ts";
import type { AnswerEnd, AnswerMessages, AnswerRef } from "./answer_messages.ts";
import type { LiveStream } from "./live_stream.ts";
import type { CompletionRequest, ModelProvider } from "./model_provider.ts";
import { pause, untilAborted } from "../common/pause.ts";
import { paced } from "./paced.ts";
import type { StreamRegistry } from "./stream_registry.ts";

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
  /** The least time between two events of the text, in milliseconds. Default: 0, one for each chunk. */
  paceMs?: number;
}

export interface GenerationResult {
  state: "done" | "interrupted" | "failed" | "superseded";
  generation: string | undefined;
  content: string;
  usage?: Record<string, unknown>;
  error?: NonNullable<CompletionData["error"]>;
}

/** How often the end of an answer is tried to be stored, and the first wait between, in milliseconds. */
const STORE_ATTEMPTS = 6;
const STORE_FIRST_DELAY_MS = 100;

interface Outcome {
  usage?: Record<string, unknown>;
  error?: NonNullable<CompletionData["error"]>;
  interrupted?: true;
}

/**
 * Runs one generation of one message, from the stored begin to the stored end (protocol, section 7).
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
    ports.emit(
      userId,
      completion(chatId, messageId, 1, {
        generation: crypto.randomUUID(),
        done: true,
        error,
      }),
    );
    return { state: "failed", generation: undefined, content: "", error };
  }

  const ref: AnswerRef = { userId, chatId, messageId, generation: stream.generation };
  let outcome: Outcome;
  let isBegun = false;
  try {
    stream.superseded.throwIfAborted();
    await ports.messages.begin(ref, { model: request.model, parentId });
    isBegun = true;
    outcome = await streamAnswer(options, stream);
  } catch (thrown) {
    outcome = stream.superseded.aborted ? {} : { error: shown(thrown, ports.logger) };
  }
  return await finish(options, stream, ref, outcome, isBegun);
}

/** Streams until the end, and says how it ended. */
async function streamAnswer(options: GenerationOptions, stream: LiveStream): Promise<Outcome> {
  const { userId, chatId, messageId, request, provider, ports, paceMs = 0 } = options;
  const signal = AbortSignal.any([options.signal, stream.superseded]);
  const open = (signal: AbortSignal) => provider.stream(request, signal);
  const chunks = paceMs > 0 ? paced(open, paceMs, signal) : open(signal);
  const outcome: Outcome = {};
  let hasToolCalls = false;
  try {
    for await (const chunk of untilAborted(chunks, signal)) {
      if (signal.aborted) break;
      if (chunk.usage) outcome.usage = chunk.usage;
      hasToolCalls ||= chunk.toolCalls !== undefined;
      const { content = "", reasoning = "" } = chunk;
      if (content === "" && reasoning === "") continue;
      const seq = stream.append({ content, reasoning });
      const delta = {
        ...(content !== "" && { content }),
        ...(reasoning !== "" && { reasoning_content: reasoning }),
      };
      ports.emit(
        userId,
        completion(chatId, messageId, seq, {
          generation: stream.generation,
          choices: [{ index: 0, delta }],
        }),
      );
      if (stream.log.isBehind) await stream.log.caughtUp(signal);
    }
    if (hasToolCalls && stream.seq === 0) {
      throw new AppError(
        "provider_error",
        "The model wants to call a tool, which can't be done here.",
      );
    }
  } catch (thrown) {
    if (!signal.aborted) outcome.error = shown(thrown, ports.logger);
  }
  if (options.signal.aborted) outcome.interrupted = true;
  return outcome;
}

/** Stores the end, whatever the signal says, then tells it. */
async function finish(
  options: GenerationOptions,
  stream: LiveStream,
  ref: AnswerRef,
  outcome: Outcome,
  isBegun: boolean,
): Promise<GenerationResult> {
  const { userId, chatId, messageId, ports } = options;
  const { content, reasoning } = stream.text();
  const { usage, interrupted } = outcome;
  let { error } = outcome;
  let isStored = !isBegun;
  let isSuperseded = stream.superseded.aborted;
  if (isBegun && !isSuperseded) {
    const end: AnswerEnd = { content, done: true, ...outcome };
    if (reasoning !== "") end.reasoning_content = reasoning;
    try {
      isSuperseded = await storeEnd(ports.messages, ref, end, stream.superseded) === "superseded";
      isStored = true;
    } catch (thrown) {
      isSuperseded = stream.superseded.aborted;
      ports.logger.error("an answer could not be stored", { chatId, error: errorText(thrown) });
      error ??= { code: "unavailable", content: "The answer could not be stored." };
    }
  }
  if (isSuperseded) stream.supersede();

  const how = { ...(error && { error }), ...(interrupted && { interrupted }) };
  const seq = stream.end(how);
  if (!isSuperseded) {
    ports.emit(
      userId,
      completion(chatId, messageId, seq, {
        generation: stream.generation,
        done: true,
        ...how,
        ...(usage && { usage }),
      }),
    );
  }
  await ports.streams.close(stream, how, isStored || isSuperseded);
  return {
    state: isSuperseded ? "superseded" : error ? "failed" : interrupted ? "interrupted" : "done",
    generation: stream.generation,
    content,
    ...(usage && { usage }),
    ...(error && { error }),
  };
}

async function storeEnd(
  messages: AnswerMessages,
  ref: AnswerRef,
  end: AnswerEnd,
  superseded: AbortSignal,
): Promise<"stored" | "ended" | "superseded"> {
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

function shown(thrown: unknown, logger: Logger): NonNullable<CompletionData["error"]> {
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
