import { AppError } from "../common/errors.ts";
import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import type { CompletionChunk, CompletionRequest, ModelProvider } from "./model_provider.ts";
import { sanitised } from "./request_messages.ts";
import { wholeCompletion, writeChunk } from "./openai_chunk.ts";

/**
 * The answer of a request that belongs to no chat, for the route to send on: the provider's own
 * bytes, or its chunks in the same shape. Read as fast as the client reads, and closed upstream when
 * the body is cancelled or the signal fires.
 *
 * Throws what the provider throws before its first byte; later errors are told in the stream.
 */
export function passThrough(
  provider: ModelProvider,
  asked: CompletionRequest,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Response> {
  const request: CompletionRequest = { ...asked, messages: sanitised(asked.messages) };
  if (provider.raw) return provider.raw(request, signal);
  return request["stream"] === false
    ? wholeAnswer(provider, request, signal, clock)
    : Promise.resolve(streamedAnswer(provider, request, signal, clock));
}

function streamedAnswer(
  provider: ModelProvider,
  request: CompletionRequest,
  signal: AbortSignal,
  clock: Clock,
): Response {
  const id = `chatcmpl-${crypto.randomUUID()}`;
  const cancelled = new AbortController();
  const encoder = new TextEncoder();
  const line = (data: unknown) => encoder.encode(`data: ${JSON.stringify(data)}\n\n`);

  async function* lines(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      const both = AbortSignal.any([signal, cancelled.signal]);
      for await (const chunk of provider.stream(request, both)) {
        yield line(writeChunk(chunk, id, request.model, unixSeconds(clock)));
      }
      yield encoder.encode("data: [DONE]\n\n");
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      yield line({ error: { code: error.code, message: error.message } });
    } finally {
      cancelled.abort();
    }
  }

  const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  return new Response(ReadableStream.from(lines()), { headers });
}

async function wholeAnswer(
  provider: ModelProvider,
  request: CompletionRequest,
  signal: AbortSignal,
  clock: Clock,
): Promise<Response> {
  const chunks: CompletionChunk[] = [];
  for await (const chunk of provider.stream(request, signal)) chunks.push(chunk);
  return Response.json(wholeCompletion(chunks, request.model, clock));
}
