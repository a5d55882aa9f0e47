import type { AppError } from "../common/errors.ts";
import { AnswerReader } from "./answer_reader.ts";
import type { CompletionChunk } from "./model_provider.ts";
import { deltaOf } from "./openai_chunk.ts";
import { fieldsOf } from "./provider_words.ts";

type Fields = Record<string, unknown>;

/**
 * A provider's stream as an OpenAI-compatible client reads it: its own chunks as they came, but each
 * framed as the format wants it, and put right where its shape is bent. An error ends the stream as
 * an `error` object, `[DONE]` a whole one.
 */
export class AnswerRelay {
  readonly reader: AnswerReader;
  #events: string[] = [];

  constructor(shown: (words: string) => string) {
    this.reader = new AnswerReader({
      shown,
      splitsThoughts: false,
      onBody: (body, chunk, text) => this.#relay(body, chunk, text),
    });
  }

  /** What is to be sent for these bytes. */
  push(bytes: Uint8Array): string {
    this.reader.push(bytes);
    return this.#taken();
  }

  /** What is to be sent when the provider has ended, or broken off. */
  end(broken?: AppError): string {
    this.reader.end(broken);
    const { failure } = this.reader;
    this.#events.push(
      failure
        ? JSON.stringify({ error: { code: failure.code, message: failure.message } })
        : "[DONE]",
    );
    return this.#taken();
  }

  #relay(body: Fields, chunk: CompletionChunk, text: string | undefined): void {
    const { choices } = body;
    const isWell = Array.isArray(choices)
      ? choices.every((choice) => fieldsOf(choice?.["delta"]) && !choice["message"]) &&
        (deltaContent(choices) ?? "") === (chunk.content ?? "")
      : !("choices" in body) && Object.keys(chunk).length === 0;
    if (isWell && text !== undefined && !("error" in body)) {
      this.#events.push(text.includes("\n") ? JSON.stringify(body) : text);
      return;
    }
    const list: unknown[] = Array.isArray(choices) ? choices : [];
    const first = list.map(fieldsOf).find((choice) => choice && (choice["index"] ?? 0) === 0);
    const others = list.filter((choice) =>
      fieldsOf(choice) && choice !== first && text !== undefined
    );
    const { error: _, choices: __, message: ___, detail: ____, ...rest } = body;
    const repaired = {
      index: 0,
      delta: deltaOf(chunk),
      finish_reason: chunk.finishReason ?? null,
      ...(first?.["logprobs"] !== undefined && { logprobs: first["logprobs"] }),
    };
    const isSaying = first !== undefined || Object.keys(chunk).length > 0;
    if (!isSaying && text === undefined) return;
    this.#events.push(JSON.stringify({
      ...rest,
      object: "chat.completion.chunk",
      choices: isSaying && !isUsageAlone(chunk) ? [repaired, ...others] : others,
    }));
  }

  #taken(): string {
    const text = this.#events.map((event) => `data: ${event}\n\n`).join("");
    this.#events = [];
    return text;
  }
}

const isUsageAlone = (chunk: CompletionChunk) =>
  chunk.usage !== undefined && Object.keys(chunk).length === 1;

/** What the first choice's delta says as plain text. */
function deltaContent(choices: unknown): unknown {
  const first = Array.isArray(choices)
    ? choices.map(fieldsOf).find((choice) => choice && (choice["index"] ?? 0) === 0)
    : undefined;
  return fieldsOf(first?.["delta"])?.["content"];
}
