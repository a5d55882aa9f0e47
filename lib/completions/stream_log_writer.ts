import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { pause } from "../common/pause.ts";
import { lengthOf, type StreamPart } from "./answer_text.ts";
import type { JournalLog, Note, StreamJournal } from "./stream_journal.ts";
import { encodeBatch, type LogBatch } from "./stream_records.ts";

export interface StreamLogWriterOptions {
  generation: string;
  /** Keeps what waits here. */
  journal: Pick<StreamJournal, "expect">;
  /** Writes one batch, whose first part has the seq `from`; called again with it when it throws. */
  write(from: number, batch: LogBatch): Promise<void>;
  logger: Logger;
  /** How long a part waits for others, in milliseconds. Default: 2,000. */
  maxWaitMs?: number;
  /** A batch of this length is written at once, in UTF-16 units. Default: 4,096. */
  batchLength?: number;
  /** What may wait for the store before the generation has to, in UTF-16 units. Default: 256 Ki. */
  maxPendingLength?: number;
  /** After so long without success the log is given up, in milliseconds. Default: 30,000. */
  giveUpMs?: number;
}

/**
 * Writes a stream's parts to the store behind the stream's back, in batches, one at a time. What waits for
 * a batch to become large, or old, is in the journal within a moment.
 *
 * A slow store delays nobody until `maxPendingLength` waits; then `caughtUp` makes the generation
 * wait. A store that stays away costs the log, not the answer: parts are dropped from then on.
 */
export class StreamLogWriter implements JournalLog {
  readonly #options: Required<StreamLogWriterOptions>;
  #pending: StreamPart[] = [];
  #pendingLength = 0;
  /** What is in flight and was refused: it may take its time. */
  #refused: StreamPart[] = [];
  #inFlightLength = 0;
  /** The seq of the first part that waits. */
  #nextSeq = 1;
  /** The last one that is in the log, and in the journal. */
  #writtenSeq = 0;
  #notedSeq = 0;
  #dueMs = 0;
  #writing: Promise<void> | undefined;
  #isGivenUp = false;
  #waiting: (() => void)[] = [];

  constructor(options: StreamLogWriterOptions) {
    this.#options = {
      maxWaitMs: 2_000,
      batchLength: 4096,
      maxPendingLength: 256 * 1024,
      giveUpMs: 30_000,
      ...options,
    };
  }

  append(part: StreamPart): void {
    if (this.#isGivenUp) return;
    const { journal, maxWaitMs, batchLength } = this.#options;
    if (this.#pending.length === 0) this.#dueMs = performance.now() + maxWaitMs;
    this.#pending.push(part);
    this.#pendingLength += lengthOf(part);
    if (this.#pendingLength >= batchLength) this.#start();
    journal.expect(this);
  }

  get isBehind(): boolean {
    return this.#pendingLength + this.#inFlightLength > this.#options.maxPendingLength;
  }

  /** Waits until the store has caught up, or throws the signal's reason. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    while (this.isBehind) {
      signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const onAbort = () => resolve();
      signal.addEventListener("abort", onAbort);
      await promise;
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Writes what is left, and waits for it. Says whether the whole log has reached the store. */
  async close(): Promise<boolean> {
    while (this.#writing || this.#pending.length > 0) {
      this.#start();
      await this.#writing;
    }
    return !this.#isGivenUp;
  }

  get generation(): string {
    return this.#options.generation;
  }

  get isIdle(): boolean {
    return !this.#writing && this.#pending.length === 0;
  }

  writeDue(nowMs: number): void {
    if (this.#pending.length > 0 && nowMs >= this.#dueMs) this.#start();
  }

  unnoted(): Note | undefined {
    const first = this.#nextSeq - this.#refused.length;
    const from = Math.max(first, this.#notedSeq + 1);
    const waiting = this.#refused.length > 0 ? [...this.#refused, ...this.#pending] : this.#pending;
    const parts = waiting.slice(from - first);
    if (parts.length === 0) return undefined;
    const length = parts.reduce((sum, part) => sum + lengthOf(part), 0);
    return { from, batch: encodeBatch(parts), length };
  }

  noted(seq: number): void {
    this.#notedSeq = seq;
  }

  hasWritten(seq: number): boolean {
    return this.#isGivenUp || this.#writtenSeq >= seq;
  }

  #start(): void {
    this.#writing ??= this.#writeBatches().finally(() => this.#writing = undefined);
  }

  /** Writes until less than a batch is left. */
  async #writeBatches(): Promise<void> {
    do {
      const [parts, from] = [this.#pending, this.#nextSeq];
      this.#nextSeq += parts.length;
      this.#inFlightLength = this.#pendingLength;
      this.#pending = [];
      this.#pendingLength = 0;
      await this.#write(from, parts);
      this.#refused = [];
      this.#writtenSeq = this.#nextSeq - 1;
      this.#inFlightLength = 0;
      for (const wake of this.#waiting.splice(0)) wake();
    } while (this.#pendingLength >= this.#options.batchLength);
  }

  async #write(from: number, parts: StreamPart[]): Promise<void> {
    const batch = encodeBatch(parts);
    const { write, logger, giveUpMs } = this.#options;
    const end = performance.now() + giveUpMs;
    for (let delayMs = 100; !this.#isGivenUp; delayMs = Math.min(delayMs * 2, 5_000)) {
      try {
        return await write(from, batch);
      } catch (error) {
        if (performance.now() + delayMs > end) {
          logger.warn("the log of a stream is given up", { error: errorText(error) });
          this.#isGivenUp = true;
          this.#pending = [];
          this.#pendingLength = 0;
        } else {
          this.#refused = parts;
          await pause(delayMs);
        }
      }
    }
  }
}
