import { AppError } from "../common/errors.ts";
import type {
  CompletionChunk,
  CompletionRequest,
  ModelProvider,
} from "../completions/model_provider.ts";
import { readChunk } from "../completions/openai_chunk.ts";
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
}

/**
 * A model that runs in the user's browser (protocol, section 6: direct connections): the session is
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
  { streams, call, userId, sessionId, chatId, messageId, model }: BrowserProviderOptions,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<CompletionChunk> {
  using stream = streams.open(userId, sessionId);
  const { channel } = stream;
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
  if (isWholeAnswer(answer)) return yield readChunk(JSON.stringify(answer));
  if (!isStarted(answer)) throw new AppError("provider_error", reasonOf(answer));

  let isBegun = false;
  for await (const line of stream.lines(signal)) {
    const data = dataOf(line);
    if (data === undefined) continue;
    if (data === "[DONE]") break;
    isBegun = true;
    yield readChunk(data);
  }
  if (!isBegun) throw new AppError("provider_error", "The browser's model gave no answer.");
}

/** The data of one line of an event stream; `undefined` for comments, blank lines and other fields. */
function dataOf(line: string): string | undefined {
  const text = line.trim();
  if (!text.startsWith("data:")) return text.startsWith("{") ? text : undefined;
  return text.slice("data:".length).trim() || undefined;
}

const field = (answer: unknown, name: string): unknown =>
  typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;

const isStarted = (answer: unknown) => field(answer, "status") === true;
const isWholeAnswer = (answer: unknown) => Array.isArray(field(answer, "choices"));

function reasonOf(answer: unknown): string {
  const error = field(answer, "error") ?? field(answer, "detail");
  const text = typeof error === "string" ? error : field(error, "message");
  return typeof text === "string" && text !== ""
    ? text.slice(0, 500)
    : "The browser's model could not be asked.";
}
