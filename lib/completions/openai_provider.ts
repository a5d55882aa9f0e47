import { AppError, errorText } from "../common/errors.ts";
import { AnswerReader } from "./answer_reader.ts";
import { AnswerRelay } from "./answer_relay.ts";
import { AnswerTiming, type SilenceLimits } from "./answer_timing.ts";
import { ChunkQueue } from "./chunk_queue.ts";
import type { CompletionRequest, Model, ModelProvider } from "./model_provider.ts";
import { readModels } from "./model_listing.ts";
import { wholeCompletion } from "./openai_chunk.ts";
import { refusalError } from "./provider_refusal.ts";
import { type ProviderAnswer, ProviderClient, type ProxyOptions } from "./provider_client.ts";
import { errorIn, shownWords } from "./provider_words.ts";
import { RefusedParameters } from "./refused_parameters.ts";
import { RequestTimeout } from "./request_timeout.ts";

/** How long a provider may take. */
export interface ProviderLimits extends SilenceLimits {
  /** For the whole answer, in milliseconds. Default: 1,800,000 (half an hour). */
  totalTimeoutMs: number;
}

const DEFAULT_LIMITS: ProviderLimits = {
  firstTokenTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  totalTimeoutMs: 30 * 60_000,
};

export interface OpenAiProviderOptions {
  /** The API's root, as `OPENAI_API_BASE_URL` names it: `https://…/v1`. */
  baseUrl: string;
  /** Never appears in an error or a log. Default: none is sent. */
  apiKey?: string;
  /** Ids of models, for a provider that has no list of them. Default: it is asked. */
  models?: readonly string[];
  /** Defaults: 300 s to the first word, 60 s of silence within an answer, half an hour in all. */
  limits?: Partial<ProviderLimits>;
  /** Default: none. */
  proxy?: ProxyOptions;
}

/** The largest answer that is read as a whole: errors, lists of models, answers that do not stream. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** How often a request is sent again without what was refused. */
const MAX_TRIES = 4;

/** Fields of our own API that mean nothing to a provider. */
const OWN_FIELDS = ["chat_id", "id", "session_id"] as const;

type Fields = Record<string, unknown>;

/** Models behind an API that speaks as OpenAI's does, or nearly so. */
export class OpenAiProvider implements ModelProvider, AsyncDisposable {
  readonly name = "openai";
  readonly writesTitles = true;
  readonly #baseUrl: string;
  readonly #apiKey: string;
  readonly #models: readonly string[];
  readonly #limits: ProviderLimits;
  readonly #refused = new RefusedParameters();
  readonly #client: ProviderClient;

  constructor({ baseUrl, apiKey = "", models = [], limits, proxy }: OpenAiProviderOptions) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#apiKey = apiKey;
    this.#models = models;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#client = new ProviderClient(proxy);
  }

  /** Ends the connections that are kept, and what runs over them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  async models(signal: AbortSignal): Promise<Model[]> {
    if (this.#models.length > 0) return this.#models.map((id) => ({ id, name: id }));
    using timeout = this.#requestTimeout(signal);
    timeout.allow(this.#limits.idleTimeoutMs, "The model provider does not answer.");
    const response = await this.#request("/models", undefined, timeout);
    if (response.status === 404 || response.status === 405) {
      response.cancel();
      throw new AppError(
        "provider_error",
        `The model provider has no list of models (${response.status}): name them in OPENAI_MODELS.`,
      );
    }
    if (!response.isOk) throw await this.#refusal(response, timeout);
    const text = await this.#wholeText(response, timeout);
    const models = readModels(parseJson(text));
    if (models) return models;
    const words = errorIn(parseJson(text));
    throw new AppError(
      "provider_error",
      "The model provider's list of models can't be read" +
        (words === undefined ? "." : `: ${this.#shown(words)}`),
    );
  }

  stream(request: CompletionRequest, signal: AbortSignal): ChunkQueue {
    return new ChunkQueue((queue, ending) => this.#answer(request, queue, ending), signal);
  }

  /** Parses the answer as its bytes come, for as long as the queue takes them. */
  async #answer(
    request: CompletionRequest,
    queue: ChunkQueue,
    signal: AbortSignal,
  ): Promise<void> {
    using timeout = this.#requestTimeout(signal);
    const timing = new AnswerTiming(timeout, this.#limits);
    const usage = { stream_options: { include_usage: true } };
    const answer = await this.#ask({ ...usage, ...request, stream: true }, timeout);
    const reader = new AnswerReader({ shown: (words) => this.#shown(words) });
    // What comes before the next event is due is read with it, where that is more than one piece.
    // Behind how it ended, nothing is due any more.
    queue.onPause = (dueMs, pieces) => {
      if (pieces > 1 && !reader.isFinished) answer.rest(dueMs);
    };
    const broken = await this.#read(answer, { timing, timeout, reader }, (bytes) => {
      const chunk = reader.push(bytes);
      if (chunk) queue.push(chunk);
      return queue.isFull ? queue.taken() : undefined;
    });
    const rest = reader.end(broken);
    if (rest) queue.push(rest);
    if (reader.failure) throw reader.failure;
  }

  async raw(request: CompletionRequest, signal: AbortSignal): Promise<Response> {
    if (!request["stream"]) return await this.#whole(request, signal);
    const timeout = this.#requestTimeout(signal);
    try {
      const timing = new AnswerTiming(timeout, this.#limits);
      const answer = await this.#ask({ ...request }, timeout);
      const relay = new AnswerRelay((words) => this.#shown(words));
      const { reader } = relay;
      const encoder = new TextEncoder();
      let wanted = Promise.withResolvers<void>();
      const send = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
        try {
          await wanted.promise;
          const broken = await this.#read(answer, { timing, timeout, reader }, (bytes) => {
            const text = relay.push(bytes);
            if (text === "") return;
            wanted = Promise.withResolvers<void>();
            controller.enqueue(encoder.encode(text));
            return wanted.promise;
          });
          controller.enqueue(encoder.encode(relay.end(broken)));
          controller.close();
        } catch (thrown) {
          controller.error(thrown);
        } finally {
          timeout[Symbol.dispose]();
        }
      };
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        // It never rejects, and it ends with the answer or the cancel.
        start: (controller) => void send(controller),
        pull: () => wanted.resolve(),
        cancel: () => {
          answer.cancel();
          wanted.resolve();
        },
      }, { highWaterMark: 0 });
      const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
      return new Response(body, { headers });
    } catch (error) {
      timeout[Symbol.dispose]();
      throw error;
    }
  }

  /** An answer that is not streamed: the provider's own, if it is one. */
  async #whole(request: CompletionRequest, signal: AbortSignal): Promise<Response> {
    using timeout = this.#requestTimeout(signal);
    timeout.allow(this.#limits.firstTokenTimeoutMs, "The model did not answer in time.");
    const response = await this.#ask({ ...request }, timeout);
    const text = await this.#wholeText(response, timeout);
    const body = parseJson(text);
    if (body !== undefined && errorIn(body) === undefined) {
      return new Response(text, { headers: { "content-type": "application/json" } });
    }
    // Some stream whatever they are asked for; and an error has its words in any shape.
    const reader = new AnswerReader({
      shown: (words) => this.#shown(words),
      splitsThoughts: false,
    });
    const chunks = [reader.push(text), reader.end()];
    if (reader.failure) throw reader.failure;
    return Response.json(wholeCompletion(chunks, request.model));
  }

  /**
   * Reads an answer until it has ended or failed, within its time limits; the time in which `take`
   * waits is not the provider's. Returns how it broke off; throws when that was the caller's doing.
   */
  async #read(
    answer: ProviderAnswer,
    { timing, timeout, reader }: {
      timing: AnswerTiming;
      timeout: RequestTimeout;
      reader: AnswerReader;
    },
    take: (bytes: Uint8Array) => Promise<void> | undefined,
  ): Promise<AppError | undefined> {
    timing.beforeRead(reader);
    try {
      await answer.read((bytes) => {
        timing.afterRead();
        const wait = take(bytes);
        if (reader.failure || reader.isDone) return "enough";
        if (wait === undefined) return timing.beforeRead(reader);
        return wait.then(() => timing.beforeRead(reader));
      });
    } catch (thrown) {
      const failure = this.#failure(thrown, timeout, BROKEN, "stream_broken");
      if (timeout.isCallers || !(failure instanceof AppError)) throw failure;
      return failure;
    } finally {
      answer.cancel();
    }
    return undefined;
  }

  /** Asks for an answer, again without what the provider may have refused. */
  async #ask(body: Fields, timeout: RequestTimeout): Promise<ProviderAnswer> {
    const suspected = new Set<string>();
    for (let attempt = 1;; attempt++) {
      const sent = this.#refused.applied(body, suspected);
      const response = await this.#request("/chat/completions", sent, timeout);
      if (response.isOk) {
        this.#refused.remember(suspected);
        return response;
      }
      const { status, headers } = response;
      const text = await this.#refusalText(response, timeout);
      const name = this.#refused.suspect(sent, { status, body: text });
      if (attempt < MAX_TRIES && name !== undefined) suspected.add(name);
      else {throw refusalError({
          status,
          headers,
          body: text,
          shown: (words) => this.#shown(words),
        });}
    }
  }

  async #request(path: string, body: unknown, timeout: RequestTimeout): Promise<ProviderAnswer> {
    const headers: Record<string, string> = { accept: "text/event-stream, application/json" };
    if (body) headers["content-type"] = "application/json";
    if (this.#apiKey) headers["authorization"] = `Bearer ${this.#apiKey}`;
    try {
      return await this.#client.request(this.#baseUrl + path, {
        method: body ? "POST" : "GET",
        headers,
        ...(body !== undefined && { body: JSON.stringify(body, withoutOwnFields) }),
        signal: timeout.signal,
      });
    } catch (error) {
      throw this.#failure(error, timeout, "The model provider can't be reached.");
    }
  }

  async #refusal(response: ProviderAnswer, timeout: RequestTimeout): Promise<AppError> {
    const { status, headers } = response;
    const body = await this.#refusalText(response, timeout);
    return refusalError({ status, headers, body, shown: (words) => this.#shown(words) });
  }

  /** A refusal whose words break off is one all the same. */
  async #refusalText(response: ProviderAnswer, timeout: RequestTimeout): Promise<string> {
    try {
      return await this.#wholeText(response, timeout);
    } catch (thrown) {
      if (timeout.isCallers) throw thrown;
      return "";
    }
  }

  async #wholeText(response: ProviderAnswer, timeout: RequestTimeout): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    let size = 0;
    try {
      await response.read((bytes) => {
        size += bytes.length;
        if (size > MAX_BODY_BYTES) {
          throw new AppError("too_large", "The model provider's answer is too large.");
        }
        text += decoder.decode(bytes, { stream: true });
      });
    } catch (thrown) {
      throw this.#failure(thrown, timeout, BROKEN, "stream_broken");
    } finally {
      response.cancel();
    }
    return text + decoder.decode();
  }

  #requestTimeout(signal: AbortSignal): RequestTimeout {
    return new RequestTimeout(
      signal,
      this.#limits.totalTimeoutMs,
      "The model took longer than an answer may take.",
    );
  }

  /** Why a request failed: its own limits, its caller, or what happened below. */
  #failure(
    error: unknown,
    timeout: RequestTimeout,
    text: string,
    code: "provider_error" | "stream_broken" = "provider_error",
  ): unknown {
    if (timeout.signal.aborted) return timeout.signal.reason;
    if (error instanceof AppError) return error;
    // Only the text of the cause goes on, without its secrets: a URL or a header may hold them.
    return new AppError(code, text, { cause: new Error(this.#shown(errorText(error))) });
  }

  #shown(words: string): string {
    return shownWords(words, { apiKey: this.#apiKey, baseUrl: this.#baseUrl });
  }
}

const BROKEN = "The connection to the model provider broke in the middle of the answer.";

/** A JSON replacer that leaves our own fields out of the outermost object. */
function withoutOwnFields(this: unknown, key: string, value: unknown): unknown {
  if (key !== "" || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name]) => !(OWN_FIELDS as readonly string[]).includes(name)),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
