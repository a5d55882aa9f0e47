import type { AnswerReader } from "./answer_reader.ts";
import type { RequestTimeout } from "./request_timeout.ts";

/** How long a provider may be silent, in milliseconds. */
export interface SilenceLimits {
  /** Before the first word, head of the answer included: a cold model is loaded first. */
  firstTokenTimeoutMs: number;
  /** Within the answer. */
  idleTimeoutMs: number;
}

/** Usage and `[DONE]` follow at once on how the answer ended, or they don't come. */
const AFTER_FINISH_MS = 10_000;

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} seconds`;

/**
 * Says before each read how long it may take. Signs of life that are no words (comments, empty
 * events) prolong a silence within the answer, but never beyond the time of a first word.
 */
export class AnswerTiming {
  readonly #timeout: RequestTimeout;
  readonly #limits: SilenceLimits;
  /** Said for every read, and so made once. */
  readonly #stopped: string;
  readonly #wordless: string;
  #wordAtMs = performance.now();
  #words = 0;
  #hasBytes = false;

  constructor(timeout: RequestTimeout, limits: SilenceLimits) {
    this.#timeout = timeout;
    this.#limits = limits;
    const { firstTokenTimeoutMs, idleTimeoutMs } = limits;
    this.#stopped = `The model stopped in mid-answer: nothing came for ${seconds(idleTimeoutMs)}.`;
    this.#wordless = `The model stopped in mid-answer: it only gave signs of life for ${
      seconds(firstTokenTimeoutMs)
    }.`;
    timeout.allow(limits.firstTokenTimeoutMs, this.#notBegun());
  }

  beforeRead(reader: AnswerReader): void {
    const { firstTokenTimeoutMs, idleTimeoutMs } = this.#limits;
    const nowMs = performance.now();
    if (reader.words !== this.#words) this.#wordAtMs = nowMs;
    this.#words = reader.words;
    const wordlessAtMs = this.#wordAtMs + firstTokenTimeoutMs;
    if (reader.isFinished) return this.#timeout.until(nowMs + AFTER_FINISH_MS, "");
    if (!reader.isBegun) return this.#timeout.until(wordlessAtMs, this.#notBegun());
    const idleAtMs = nowMs + idleTimeoutMs;
    if (idleAtMs <= wordlessAtMs) this.#timeout.until(idleAtMs, this.#stopped);
    else this.#timeout.until(wordlessAtMs, this.#wordless);
  }

  afterRead(): void {
    this.#hasBytes = true;
    this.#timeout.pause();
  }

  #notBegun(): string {
    const within = `within ${seconds(this.#limits.firstTokenTimeoutMs)}`;
    return this.#hasBytes
      ? `The model gave signs of life, and not a word ${within}.`
      : `The model did not begin to answer ${within}.`;
  }
}
