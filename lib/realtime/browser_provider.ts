import { AppError } from "../common/errors.ts";
import type {
  CompletionChunk,
  CompletionRequest,
  ModelProvider,
} from "../completions/model_provider.ts";
import { AnswerReader, readAnswer } from "../completions/answer_reader.ts";
import { AnswerTiming, type SilenceLimits } from "../completions/answer_timing.ts";
import { refusalError } from "../completions/provider_refusal.ts";
import { shownWords, wordsOf } from "../completions/provider_words.ts";
import { RequestTimeout } from "../completions/request_timeout.ts";
import type { BrowserStreams } from "./browser_streams.ts";
import type { EventCaller } from "./caller.ts";

export interface BrowserProviderOptions {
  streams: BrowserStreams;
  call: EventCaller;
  userId: string;
  /** The session whose browser runs the model. */
  sessionId: string;
  chatId: string;
  messageId: string;
  /** What the client said of the model, given back to it as it was. */
  model?: unknown;
  limits: SilenceLimits;
}

/** No answer takes longer, in milliseconds. */
const TOTAL_TIMEOUT_MS = 30 * 60_000;

/**
 * A model that runs in the user's browser (docs/protocol.md, section 6: direct connections): the session is
 * asked by `request:chat:completion`, and sends the lines of its provider's stream on a channel of
 * its own.
 */
export function browserProvider(options: BrowserProviderOptions): ModelProvider {
  return {
    name: "browser",
    // A title would cost the user's own key a second request: the first words do.
    writesTitles: false,
    models: () => Promise.resolve([]),
    stream: (request, signal) => streamFromBrowser(options, request, signal),
  };
}

async function* streamFromBrowser(
  { streams, call, userId, sessionId, chatId, messageId, model, limits }: BrowserProviderOptions,
  request: CompletionRequest,
  callers: AbortSignal,
): AsyncGenerator<CompletionChunk> {
  using timeout = new RequestTimeout(
    callers,
    TOTAL_TIMEOUT_MS,
    "The model took longer than an answer may take.",
  );
  using stream = streams.open(userId, sessionId);
  const { channel } = stream;
  const { signal } = timeout;
  const answer = await call({
    userId,
    sessionId,
    signal,
    event: {
      chat_id: chatId,
      message_id: messageId,
      data: {
        type: "request:chat:completion",
        data: { session_id: sessionId, channel, form_data: { ...request, stream: true }, model },
      },
    },
  });
  signal.throwIfAborted();
  const isWhole = Array.isArray(field(answer, "choices"));
  if (!isWhole && field(answer, "status") !== true) throw refusalOf(answer);
  const reader = new AnswerReader();
  const pieces = isWhole
    ? [JSON.stringify(answer)]
    : timed(stream.lines(signal), new AnswerTiming(timeout, limits), reader);
  yield* readAnswer(reader, { pieces, isStopped: () => timeout.isCallers });
}

async function* timed(
  lines: AsyncIterable<string>,
  timing: AnswerTiming,
  reader: AnswerReader,
): AsyncGenerator<string> {
  timing.beforeRead(reader);
  for await (const line of lines) {
    timing.afterRead();
    yield line;
    timing.beforeRead(reader);
  }
}

const field = (answer: unknown, name: string): unknown =>
  typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;

/** Why the browser did not begin: its own words, or those of its provider with the status. */
function refusalOf(answer: unknown): AppError {
  const status = field(answer, "http_status");
  const body = field(answer, "error") ?? field(answer, "detail");
  if (typeof status === "number") {
    return refusalError({
      status,
      headers: new Headers(retryHeader(field(answer, "retry_after"))),
      body: typeof body === "string" ? body : JSON.stringify(body ?? ""),
      shown: shownWords,
    });
  }
  const words = wordsOf(body);
  return new AppError(
    "provider_error",
    words === undefined ? "The browser's model could not be asked." : shownWords(words),
  );
}

const retryHeader = (value: unknown): [string, string][] =>
  typeof value === "string" ? [["retry-after", value]] : [];
