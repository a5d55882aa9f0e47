import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause, settledWithin } from "../common/pause.ts";
import type { Bus } from "./bus.ts";
import { countParts, encodeFrame, partEnd } from "./frame.ts";

const FRAMES_A_BATCH = 256;
const CHARS_A_BATCH = 512 * 1024;
/**
 * How fast large messages go. Redis cuts a subscriber off for whom 32 MB wait: at this pace, one
 * that stands still for a second is not.
 */
const PACE_CHARS_PER_MS = 32 * 1024;
const PACED_FROM_CHARS = 256 * 1024;

export interface OutboxOptions {
  bus: Bus;
  sender: string;
  logger: Logger;
  /** How many messages may wait. Default: 50,000. */
  maxMessages?: number;
  /** What may wait, in UTF-16 units. Default: 128 Mi. */
  maxChars?: number;
  /** A message that could not be sent for so long is of no use any more. Default: 15,000. */
  maxAgeMs?: number;
}

interface Waiting {
  readonly channel: string;
  readonly body: string;
  readonly queuedAtMs: number;
  readonly count: number;
  readonly message: number;
  index: number;
  at: number;
  isDropped: boolean;
}

interface Outgoing {
  readonly text: string;
  readonly waiting: Waiting;
}

/**
 * What waits for the bus. A caller never waits: what comes is queued, within bounds, and sent in
 * the background, the channels in turns, each in its order. So a large message holds up those
 * behind it on its own channel, and others by one batch at most.
 *
 * While the bus is away, messages wait for `maxAgeMs`; older ones, and those that find the queue
 * full, are dropped, counted, and told in the log once an outage.
 */
export class Outbox implements AsyncDisposable {
  sentMessages = 0;
  sentChars = 0;
  sentParts = 0;
  dropped = 0;
  retries = 0;
  readonly #options: Required<OutboxOptions>;
  readonly #queues = new Map<string, Waiting[]>();
  readonly #stop = new AbortController();
  #messages = 0;
  #chars = 0;
  #seq = 0;
  #message = 0;
  #running: Promise<void> | undefined;
  #isFailing = false;
  #droppedBefore = 0;

  constructor(options: OutboxOptions) {
    this.#options = {
      maxMessages: 50_000,
      maxChars: 128 * 1024 * 1024,
      maxAgeMs: 15_000,
      ...options,
    };
  }

  get pendingMessages(): number {
    return this.#messages;
  }

  get pendingChars(): number {
    return this.#chars;
  }

  /** Queues the text; `false` when there is no room for it. */
  push(channel: string, body: string): boolean {
    const { maxMessages, maxChars } = this.#options;
    const isFull = this.#messages >= maxMessages || this.#chars + body.length > maxChars;
    if (isFull || this.#stop.signal.aborted) {
      this.#drop("the queue is full");
      return false;
    }
    const waiting: Waiting = {
      channel,
      body,
      queuedAtMs: performance.now(),
      count: countParts(body),
      message: this.#message++,
      index: 0,
      at: 0,
      isDropped: false,
    };
    const queue = this.#queues.get(channel);
    if (queue === undefined) this.#queues.set(channel, [waiting]);
    else queue.push(waiting);
    this.#messages++;
    this.#chars += body.length;
    this.#running ??= this.#drain();
    return true;
  }

  /** Waits until all is sent, at most so long; says whether it was. */
  async flush(timeoutMs: number): Promise<boolean> {
    return await settledWithin(this.#running ?? Promise.resolve(), timeoutMs);
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    // What is emitted in one turn leaves together.
    await Promise.resolve();
    const { signal } = this.#stop;
    while (this.#queues.size > 0 && !signal.aborted) {
      const began = performance.now();
      const batch = this.#take();
      await this.#send(batch);
      const chars = batch.reduce((sum, { text }) => sum + text.length, 0);
      const owedMs = chars / PACE_CHARS_PER_MS - (performance.now() - began);
      if (chars >= PACED_FROM_CHARS && owedMs >= 1) await pause(owedMs, signal);
    }
    this.#running = undefined;
  }

  /** The next frames: one of each channel, again and again, until the batch is full. */
  #take(): Outgoing[] {
    const batch: Outgoing[] = [];
    let chars = 0;
    while (this.#queues.size > 0) {
      for (const [channel, queue] of this.#queues) {
        const waiting = queue[0];
        if (waiting === undefined) {
          this.#queues.delete(channel);
          continue;
        }
        if (waiting.isDropped || this.#isTooOld(waiting)) {
          this.#giveUp(waiting);
          this.#leave(queue, waiting);
          continue;
        }
        const text = this.#nextFrame(waiting);
        batch.push({ text, waiting });
        if (waiting.index === waiting.count) this.#leave(queue, waiting);
        chars += text.length;
        // A map keeps the order of insertion: whoever had its turn goes to the end.
        this.#queues.delete(channel);
        if (queue.length > 0) this.#queues.set(channel, queue);
        if (batch.length >= FRAMES_A_BATCH || chars >= CHARS_A_BATCH) return batch;
      }
    }
    return batch;
  }

  #nextFrame(waiting: Waiting): string {
    const { body, message, count } = waiting;
    const frame = { sender: this.#options.sender, seq: this.#seq++ };
    if (count === 1) {
      waiting.index = 1;
      return encodeFrame({ ...frame, body });
    }
    const end = partEnd(body, waiting.at);
    const part = { message, index: waiting.index++, count };
    const text = encodeFrame({ ...frame, body: body.slice(waiting.at, end), part });
    waiting.at = end;
    this.sentParts++;
    return text;
  }

  #leave(queue: Waiting[], { body }: Waiting): void {
    queue.shift();
    this.#messages--;
    this.#chars -= body.length;
  }

  /** Sends the frames, and again those that the bus did not take, until they are too old. */
  async #send(frames: Outgoing[]): Promise<void> {
    const { bus } = this.#options;
    const { signal } = this.#stop;
    let left = frames;
    for (let pauseMs = 0;;) {
      const results = await Promise.allSettled(
        left.map(({ text, waiting }) => bus.publish(waiting.channel, text)),
      );
      const failed: Outgoing[] = [];
      let error: unknown;
      for (const [i, outgoing] of left.entries()) {
        const result = results[i];
        if (result?.status !== "rejected") this.#count(outgoing);
        else if (isPassing(result.reason)) {
          failed.push(outgoing);
          error = result.reason;
        } else this.#giveUp(outgoing.waiting, result.reason);
      }
      left = failed;
      if (left.length === 0) return this.#recovered();
      if (!this.#isFailing) this.#failed(error);
      pauseMs = backOff(pauseMs, { firstMs: 25, maxMs: 500 });
      await pause(pauseMs, signal);
      for (const { waiting } of left) {
        if (signal.aborted || this.#isTooOld(waiting)) this.#giveUp(waiting);
      }
      left = left.filter(({ waiting }) => !waiting.isDropped);
      if (left.length === 0) return;
      this.retries += left.length;
    }
  }

  #count({ text, waiting }: Outgoing): void {
    this.sentChars += text.length;
    if (waiting.index === waiting.count) this.sentMessages++;
  }

  #isTooOld({ queuedAtMs }: Waiting): boolean {
    return performance.now() - queuedAtMs > this.#options.maxAgeMs;
  }

  #giveUp(waiting: Waiting, why?: unknown): void {
    if (waiting.isDropped) return;
    waiting.isDropped = true;
    this.#drop(why === undefined ? "the bus is away" : errorText(why));
  }

  #drop(why: string): void {
    if (this.dropped === this.#droppedBefore) {
      this.#options.logger.warn("cluster: messages to other instances are dropped", { why });
    }
    this.dropped++;
  }

  #failed(error: unknown): void {
    this.#isFailing = true;
    this.#options.logger.warn("cluster: the bus takes no messages, they wait", {
      bus: this.#options.bus.name,
      error: errorText(error),
    });
  }

  #recovered(): void {
    const wasFull = this.dropped > this.#droppedBefore && this.#messages === 0;
    if (!this.#isFailing && !wasFull) return;
    const dropped = this.dropped - this.#droppedBefore;
    this.#isFailing = false;
    this.#droppedBefore = this.dropped;
    this.#options.logger.info("cluster: the bus takes messages again", { dropped });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#queues.clear();
    this.#messages = 0;
    this.#chars = 0;
  }
}

/** A bus that can't be reached may be back soon; what it refuses for another reason it refuses for ever. */
function isPassing(error: unknown): boolean {
  return error instanceof AppError && error.code === "unavailable";
}
