import type { CompletionChunk, CompletionRequest, Model, ModelProvider } from "./model_provider.ts";
import { lastUserText } from "./model_provider.ts";
import { pause } from "../common/pause.ts";

export interface EchoProviderOptions {
  /** Between two words, in milliseconds. Default: 30. */
  delayMs?: number;
}

/** The built-in model `echo`: says word by word what the user said last. */
export class EchoProvider implements ModelProvider {
  readonly name = "echo";
  readonly writesTitles = false;
  readonly #delayMs: number;

  constructor({ delayMs = 30 }: EchoProviderOptions = {}) {
    this.#delayMs = delayMs;
  }

  models(): Promise<Model[]> {
    return Promise.resolve([{ id: "echo", name: "Echo", owned_by: "built-in" }]);
  }

  async *stream(request: CompletionRequest, signal: AbortSignal): AsyncGenerator<CompletionChunk> {
    const words = lastUserText(request.messages).split(/(?<=\s)(?=\S)/);
    for (const word of words) {
      await pause(this.#delayMs, signal);
      signal.throwIfAborted();
      yield { content: word };
    }
    const usage = { completion_tokens: words.length };
    yield { finishReason: "stop", usage };
  }
}
