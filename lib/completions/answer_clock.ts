import type { AnswerTiming } from "../protocol/answer_outcome.ts";
import type { CompletionChunk } from "./model_provider.ts";

/** Measures an answer from its request to its end, and in it how long the model thought. */
export class AnswerClock {
  readonly #now: () => number;
  readonly #askedAtMs: number;
  #firstAtMs: number | undefined;
  #saidAtMs: number | undefined;
  #hasThought = false;

  /** `now` tells milliseconds that only rise. Default: `performance.now()`. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#askedAtMs = now();
  }

  /** Each part of the answer, as it comes. */
  see({ content = "", reasoning = "", wasReasoning }: CompletionChunk): void {
    if (content === "" && reasoning === "" && !wasReasoning) return;
    this.#firstAtMs ??= this.#now();
    // What was taken for words was a thought: the words begin only now.
    if (wasReasoning) this.#saidAtMs = undefined;
    this.#hasThought ||= wasReasoning === true || reasoning !== "";
    if (content !== "") this.#saidAtMs ??= this.#now();
  }

  /** How long it has taken up to now; `undefined`: nothing was said. */
  timing(): AnswerTiming | undefined {
    if (this.#firstAtMs === undefined) return undefined;
    const now = this.#now();
    const thoughtMs = (this.#saidAtMs ?? now) - this.#firstAtMs;
    return {
      first_ms: Math.round(this.#firstAtMs - this.#askedAtMs),
      streaming_ms: Math.round(now - this.#firstAtMs),
      ...(this.#hasThought && { reasoning_ms: Math.round(thoughtMs) }),
    };
  }
}
