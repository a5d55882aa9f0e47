import { AppError, errorText } from "../common/errors.ts";
import type { CompletionChunk, CompletionRequest, Model, ModelProvider } from "./model_provider.ts";
import { joinChunks, providerWords, readChunk } from "./openai_chunk.ts";
import { RequestTimeout } from "./request_timeout.ts";
import { SseParser } from "./sse_parser.ts";

/** How long a provider may take. */
export interface ProviderLimits {
  /** Until the answer's head is there, in milliseconds. Default: 60,000. */
  connectTimeoutMs: number;
  /** Between two reads of the answer, in milliseconds. Default: 120,000. */
  idleTimeoutMs: number;
  /** For the whole answer, in milliseconds. Default: 1,800,000 (half an hour). */
  totalTimeoutMs: number;
}

const DEFAULT_PROVIDER_LIMITS: ProviderLimits = {
  connectTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
  totalTimeoutMs: 30 * 60_000,
};

export interface OpenAiProviderOptions {
  /** The API's root, as `OPENAI_API_BASE_URL` names it: `https://…/v1`. */
  baseUrl: string;
  /** Never appears in an error or a log. Default: none is sent. */
  apiKey?: string;
  limits?: Partial<ProviderLimits>;
}

/** The largest answer that is read as a whole: errors, lists of models, answers that do not stream. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Fields of our own API that mean nothing to a provider. */
const OWN_FIELDS = ["chat_id", "id", "session_id"] as const;

/** Models behind an API that speaks as OpenAI's does. */
export class OpenAiProvider implements ModelProvider {
  readonly name = "openai";
  readonly writesTitles = true;
  readonly #baseUrl: string;
  readonly #apiKey: string;
  readonly #limits: ProviderLimits;

  constructor({ baseUrl, apiKey = "", limits }: OpenAiProviderOptions) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#apiKey = apiKey;
    this.#limits = { ...DEFAULT_PROVIDER_LIMITS, ...limits };
  }

  async models(signal: AbortSignal): Promise<Model[]> {
    using timeout = this.#requestTimeout(signal);
    const response = await this.#request("/models", undefined, timeout);
    const body = parseJson(await this.#wholeText(response, timeout)) as { data?: unknown };
    if (!Array.isArray(body?.data)) {
      throw new AppError("provider_error", "The model provider's list of models can't be read.");
    }
    return body.data
      .filter((model) => typeof model?.id === "string")
      .map(({ id, name }) => ({ id, name: typeof name === "string" ? name : id }));
  }

  async *stream(request: CompletionRequest, signal: AbortSignal): AsyncGenerator<CompletionChunk> {
    using timeout = this.#requestTimeout(signal);
    const body: Record<string, unknown> = { ...request, stream: true };
    body["stream_options"] ??= { include_usage: true };
    const response = await this.#request("/chat/completions", body, timeout);
    const type = response.headers.get("content-type") ?? "";
    if (type.includes("json")) {
      yield readChunk(await this.#wholeText(response, timeout));
    } else if (type.includes("html")) {
      await response.body?.cancel();
      throw new AppError(
        "provider_error",
        "The model provider answered with a page, not a stream.",
      );
    } else {
      yield* this.#chunks(response, timeout);
    }
  }

  async raw(request: CompletionRequest, signal: AbortSignal): Promise<Response> {
    const timeout = this.#requestTimeout(signal);
    try {
      const response = await this.#request("/chat/completions", { ...request }, timeout);
      const end = () => timeout[Symbol.dispose]();
      const reads = this.#reads(response, timeout, end);
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        async pull(controller) {
          const { done, value } = await reads.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        // A cancel may come before the first read, when the generator has nothing to clean up yet.
        async cancel() {
          end();
          await reads.return(undefined);
          if (!response.body?.locked) await response.body?.cancel();
        },
      }, { highWaterMark: 0 });
      const type = response.headers.get("content-type") ?? "text/event-stream";
      return new Response(body, { headers: { "content-type": type, "cache-control": "no-cache" } });
    } catch (error) {
      timeout[Symbol.dispose]();
      throw error;
    }
  }

  /** Deltas that came in one read leave as one chunk: fewer events for the same text. */
  async *#chunks(response: Response, timeout: RequestTimeout): AsyncGenerator<CompletionChunk> {
    const parser = new SseParser();
    let isBegun = false;
    let isFinished = false;
    try {
      for await (const bytes of this.#reads(response, timeout)) {
        let chunk: CompletionChunk | undefined;
        let failure: unknown;
        let isDone = false;
        try {
          for (const { data } of parser.push(bytes)) {
            isDone = data.trim() === "[DONE]";
            if (isDone) break;
            const next = readChunk(data);
            chunk = chunk ? joinChunks(chunk, next) : next;
          }
        } catch (error) {
          failure = error;
        }
        if (chunk && Object.keys(chunk).length > 0) {
          isBegun = true;
          isFinished ||= chunk.finishReason !== undefined;
          yield chunk;
        }
        if (failure) throw this.#clean(failure);
        if (isDone) {
          if (!isBegun) throw new AppError("provider_error", "The model's answer is empty.");
          return;
        }
      }
    } catch (error) {
      // The answer was whole: how the connection ended after that is of no interest.
      if (!isFinished || timeout.isCallers) throw error;
    }
    if (isFinished) return;
    throw new AppError(
      "provider_error",
      isBegun
        ? "The model provider ended the answer in the middle."
        : "The model provider ended the stream without an answer.",
    );
  }

  async *#reads(
    response: Response,
    timeout: RequestTimeout,
    onEnd?: () => void,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const reader = response.body?.getReader();
    const allow = () =>
      timeout.allow(this.#limits.idleTimeoutMs, "The model provider stopped in mid-answer.");
    try {
      while (reader) {
        allow();
        const { done, value } = await reader.read();
        if (done) return;
        timeout.pause();
        yield value;
      }
    } catch (error) {
      throw this.#failure(error, timeout, "The connection to the model provider broke.");
    } finally {
      reader?.cancel().catch(() => {});
      onEnd?.();
    }
  }

  async #request(path: string, body: unknown, timeout: RequestTimeout): Promise<Response> {
    timeout.allow(this.#limits.connectTimeoutMs, "The model provider does not answer.");
    const headers = new Headers({ accept: "text/event-stream, application/json" });
    if (body) headers.set("content-type", "application/json");
    if (this.#apiKey) headers.set("authorization", `Bearer ${this.#apiKey}`);
    let response: Response;
    try {
      response = await fetch(this.#baseUrl + path, {
        method: body ? "POST" : "GET",
        headers,
        ...(body !== undefined && { body: JSON.stringify(body, withoutOwnFields) }),
        redirect: "manual",
        signal: timeout.signal,
      });
    } catch (error) {
      throw this.#failure(error, timeout, "The model provider can't be reached.");
    }
    if (!response.ok) throw await this.#refusal(response, timeout);
    return response;
  }

  async #refusal(response: Response, timeout: RequestTimeout): Promise<AppError> {
    const { status, headers } = response;
    const retryAfterMs = retryAfter(headers.get("retry-after"));
    const type = headers.get("content-type") ?? "";
    let words: string | undefined;
    if (type.includes("json")) {
      words = providerWords(parseJson(await this.#wholeText(response, timeout)));
    } else {
      await response.body?.cancel();
    }
    if (status === 401 || status === 403) {
      return new AppError("provider_error", `The model provider refuses the API key (${status}).`);
    }
    const said = words === undefined ? "." : `: ${this.#withoutSecrets(words)}`;
    if (status === 429) {
      return new AppError("rate_limited", `The model provider is busy (429)${said}`, {
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
    }
    return new AppError("provider_error", `The model provider answered with ${status}${said}`);
  }

  async #wholeText(response: Response, timeout: RequestTimeout): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    let size = 0;
    for await (const bytes of this.#reads(response, timeout)) {
      size += bytes.length;
      if (size > MAX_BODY_BYTES) {
        throw new AppError("too_large", "The model provider's answer is too large.");
      }
      text += decoder.decode(bytes, { stream: true });
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
  #failure(error: unknown, timeout: RequestTimeout, text: string): unknown {
    if (timeout.signal.aborted) return timeout.signal.reason;
    if (error instanceof AppError) return error;
    // Only the text of the cause goes on, without its secrets: a URL or a header may hold them.
    const cause = new Error(this.#withoutSecrets(errorText(error)));
    return new AppError("provider_error", text, { cause });
  }

  #clean(error: unknown): unknown {
    if (!(error instanceof AppError)) return error;
    return new AppError(error.code, this.#withoutSecrets(error.message));
  }

  #withoutSecrets(text: string): string {
    const cleaned = text.replaceAll(this.#baseUrl, "<provider>");
    return this.#apiKey ? cleaned.replaceAll(this.#apiKey, "<key>") : cleaned;
  }
}

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

/** The header's seconds, in milliseconds; dates and nonsense are left aside. */
function retryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}
