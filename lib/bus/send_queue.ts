import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import { backOff, pause } from "../common/pause.ts";
import { TokenBucket } from "../common/token_bucket.ts";
import type { Bus } from "./bus.ts";
import { countParts, encodeFrame, MAX_HEADER_CHARS, MAX_PARTS, partEnd } from "./frame.ts";
import { OutageLog } from "./outage_log.ts";

/** What may be under way at once. Receivers know a frame again among the last 2,048 of a sender. */
const MAX_FRAMES_UNDER_WAY = 2_048;
const MAX_CHARS_UNDER_WAY = 512 * 1024;
/**
 * How fast it goes. Redis cuts a subscriber off for whom 32 MB wait: at this pace, one that stands
 * still for most of a second is not.
 */
const MAX_CHARS_PER_SECOND = 32 * 1024 * 1000;
/** What may go at once after a while of rest. */
const BURST_CHARS = 2 * 1024 * 1024;
/** So many in one turn of the event loop are not kept waiting for its end. */
const MAX_HELD_PER_TURN = 128;

export interface SendQueueOptions {
  bus: Bus;
  sender: string;
  logger: Logger;
  /** How many messages may wait. Default: 50,000. */
  maxMessages?: number;
  /** What may wait, in UTF-16 units. Default: 128 Mi. */
  maxChars?: number;
  /** A message that could not be sent for so long is of no use any more. Default: 15,000. */
  maxAgeMs?: number;
  /** A message of this channel was given up. */
  onDropped(channel: string): void;
}

/** Told once: when the bus has taken all of a message, or with why it was given up. */
export type Receipt = (error?: unknown) => void;

interface Waiting {
  readonly channel: string;
  readonly body: string;
  readonly queuedAtMs: number;
  readonly count: number;
  readonly message: number;
  readonly receipt: Receipt | undefined;
  index: number;
  at: number;
  /** Parts that have not arrived yet. */
  left: number;
  isDropped: boolean;
}

interface Outgoing {
  readonly seq: number;
  readonly text: string;
  readonly waiting: Waiting;
}

/**
 * What waits for the bus. A caller never waits: what comes is queued, within bounds, and sent in
 * the background, the channels in turns, each in its order. So a large message holds up those
 * behind it on its own channel, and others by what may be under way at most.
 *
 * Frames follow each other without waiting for receipts. Once one fails nothing new is sent: those
 * under way are waited for, and what failed of them goes again first, in its order.
 *
 * While the bus is away, messages wait for `maxAgeMs`; older ones, and those that find the queue
 * full, are dropped, counted, and told in the log once an outage.
 */
export class SendQueue implements AsyncDisposable {
  sentMessages = 0;
  sentChars = 0;
  sentParts = 0;
  retries = 0;
  readonly #options: Required<SendQueueOptions>;
  readonly #queues = new Map<string, Waiting[]>();
  readonly #stop = new AbortController();
  readonly #outage: OutageLog;
  readonly #bucket = new TokenBucket({
    perSecond: MAX_CHARS_PER_SECOND,
    burst: BURST_CHARS,
    nowMs: performance.now(),
  });
  #paced: ReturnType<typeof setTimeout> | undefined;
  #messages = 0;
  #chars = 0;
  #seq = 0;
  #message = 0;
  #framesUnderWay = 0;
  #charsUnderWay = 0;
  /** Frames that the bus did not take, in the order in which they were sent. */
  #failed: Outgoing[] = [];
  #pushedInTurn = 0;
  #isPumpDue = false;
  #pauseMs = 0;
  #retrying: Promise<void> | undefined;
  #quiet: PromiseWithResolvers<void> | undefined;

  /** What a frame's body takes at most. */
  readonly #partChars: number;

  constructor(options: SendQueueOptions) {
    this.#partChars = options.bus.maxChars - MAX_HEADER_CHARS;
    this.#outage = new OutageLog(options.bus.name, options.logger);
    this.#options = {
      maxMessages: 50_000,
      maxChars: 128 * 1024 * 1024,
      maxAgeMs: 15_000,
      ...options,
    };
  }

  get dropped(): number {
    return this.#outage.dropped;
  }

  /** Messages whose receipt has not come yet. */
  get pendingMessages(): number {
    return this.#messages;
  }

  get pendingChars(): number {
    return this.#chars;
  }

  /** Queues the text; an empty one says that messages were given up. */
  push(channel: string, body: string, receipt?: Receipt): void {
    const { maxMessages, maxChars } = this.#options;
    const isFull = this.#messages >= maxMessages || this.#chars + body.length > maxChars;
    const count = countParts(body, this.#partChars);
    if (isFull || count > MAX_PARTS || this.#stop.signal.aborted) {
      return this.#drop({ channel, body, receipt }, "there is no room for it");
    }
    const waiting: Waiting = {
      channel,
      body,
      queuedAtMs: performance.now(),
      count,
      message: this.#message++,
      receipt,
      index: 0,
      at: 0,
      left: count,
      isDropped: false,
    };
    const queue = this.#queues.get(channel);
    if (queue === undefined) this.#queues.set(channel, [waiting]);
    else queue.push(waiting);
    this.#messages++;
    this.#chars += body.length;
    if (++this.#pushedInTurn % MAX_HELD_PER_TURN === 0) this.#pump();
    else this.#pumpSoon();
  }

  /** Waits until all is sent, at most so long; says whether it was. */
  async flush(timeoutMs: number): Promise<boolean> {
    return await settledWithin(this.#whenQuiet(), timeoutMs);
  }

  /** What is emitted in one turn leaves together, the channels in turns. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pushedInTurn = 0;
      this.#pump();
    });
  }

  /** Sends as much as may be under way. */
  #pump(): void {
    // It runs without a pause: one look at the clock does for all of it.
    const nowMs = performance.now();
    while (this.#maySend(nowMs)) {
      const outgoing = this.#next();
      if (outgoing === undefined) break;
      this.#bucket.spend(outgoing.text.length, nowMs);
      this.#publish(outgoing);
    }
    if (!this.#isQuiet()) return;
    if (this.#messages === 0) this.#outage.recovered();
    this.#quiet?.resolve();
    this.#quiet = undefined;
  }

  #maySend(nowMs: number): boolean {
    return this.#queues.size > 0 && this.#failed.length === 0 && !this.#stop.signal.aborted &&
      this.#framesUnderWay < MAX_FRAMES_UNDER_WAY &&
      this.#charsUnderWay < MAX_CHARS_UNDER_WAY && this.#isInPace(nowMs);
  }

  /** Little is never held; what is comes again once there is room in the bucket. */
  #isInPace(nowMs: number): boolean {
    const waitMs = this.#bucket.waitMs(nowMs);
    if (waitMs === 0) return true;
    this.#paced ??= setTimeout(() => {
      this.#paced = undefined;
      this.#pump();
    }, waitMs);
    return false;
  }

  /** Nothing is under way, and nothing is going to be. */
  #isQuiet(): boolean {
    if (this.#framesUnderWay > 0) return false;
    return this.#stop.signal.aborted || this.#queues.size === 0 && this.#failed.length === 0;
  }

  async #whenQuiet(): Promise<void> {
    if (this.#isQuiet()) return;
    this.#quiet ??= Promise.withResolvers();
    await this.#quiet.promise;
  }

  /** The next frame of the channel whose turn it is. */
  #next(): Outgoing | undefined {
    for (const [channel, queue] of this.#queues) {
      // A map keeps the order of insertion: whoever had its turn goes to the end.
      this.#queues.delete(channel);
      while (queue[0] !== undefined && this.#isOver(queue[0])) queue.shift();
      const [waiting] = queue;
      if (waiting === undefined) continue;
      const outgoing = this.#nextFrame(waiting);
      if (waiting.index === waiting.count) queue.shift();
      if (queue.length > 0) this.#queues.set(channel, queue);
      return outgoing;
    }
    return undefined;
  }

  #nextFrame(waiting: Waiting): Outgoing {
    const { body, message, count } = waiting;
    const seq = this.#seq++;
    const frame = { sender: this.#options.sender, seq };
    if (count === 1) {
      waiting.index = 1;
      return { seq, text: encodeFrame({ ...frame, body }), waiting };
    }
    const end = partEnd(body, waiting.at, this.#partChars);
    const part = { message, index: waiting.index++, count };
    const text = encodeFrame({ ...frame, body: body.slice(waiting.at, end), part });
    waiting.at = end;
    this.sentParts++;
    return { seq, text, waiting };
  }

  #publish(outgoing: Outgoing): void {
    const { text, waiting } = outgoing;
    this.#framesUnderWay++;
    this.#charsUnderWay += text.length;
    this.#options.bus.publish(waiting.channel, text).then(
      () => this.#returned(outgoing),
      (error) => this.#returned(outgoing, error),
    );
  }

  /** A frame's fate is known. */
  #returned(outgoing: Outgoing, error?: unknown): void {
    const { text, waiting } = outgoing;
    this.#framesUnderWay--;
    this.#charsUnderWay -= text.length;
    if (error === undefined) this.#arrived(outgoing);
    else if (isPassing(error)) {
      this.#failed.push(outgoing);
      this.#outage.failed(error);
    } else this.#giveUp(waiting, error);
    if (this.#failed.length > 0 && this.#framesUnderWay === 0) this.#retrying ??= this.#retry();
    else this.#pumpSoon();
  }

  #arrived({ text, waiting }: Outgoing): void {
    this.sentChars += text.length;
    this.#pauseMs = 0;
    if (this.#outage.isFailing && this.#failed.length === 0) this.#outage.recovered();
    if (--waiting.left > 0 || waiting.isDropped) return;
    this.sentMessages++;
    this.#release(waiting);
    waiting.receipt?.();
  }

  /** After a while, sends again what failed, unless it is too old. Never rejects. */
  async #retry(): Promise<void> {
    this.#pauseMs = backOff(this.#pauseMs, { firstMs: 25, maxMs: 500 });
    await pause(this.#pauseMs, this.#stop.signal);
    this.#retrying = undefined;
    // Receipts may have come in any order.
    const failed = this.#failed.splice(0).sort((a, b) => a.seq - b.seq);
    if (!this.#stop.signal.aborted) {
      const again = failed.filter(({ waiting }) => !this.#isOver(waiting));
      this.retries += again.length;
      for (const outgoing of again) this.#publish(outgoing);
    }
    this.#pump();
  }

  /** Whether the message is of no use any more; then it is given up. */
  #isOver(waiting: Waiting): boolean {
    if (performance.now() - waiting.queuedAtMs > this.#options.maxAgeMs) this.#giveUp(waiting);
    return waiting.isDropped;
  }

  #giveUp(waiting: Waiting, why?: unknown): void {
    if (waiting.isDropped) return;
    waiting.isDropped = true;
    this.#release(waiting);
    this.#drop(waiting, why === undefined ? "the bus is away" : errorText(why));
  }

  #release({ body }: Waiting): void {
    this.#messages--;
    this.#chars -= body.length;
  }

  #drop(
    { channel, body, receipt }: Pick<Waiting, "channel" | "body" | "receipt">,
    why: string,
  ): void {
    receipt?.(new AppError("unavailable", `Other instances can't be told: ${why}.`));
    // What only tells of a gap is told again by who owes it.
    if (body === "") return;
    this.#outage.gaveUp(why);
    this.#options.onDropped(channel);
  }

  /** Waits for what is under way; what is queued goes no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#paced);
    for (const waiting of [...this.#queues.values()].flat()) waiting.receipt?.(closedError());
    this.#queues.clear();
    await this.#retrying;
    await this.#whenQuiet();
    this.#messages = 0;
    this.#chars = 0;
  }
}

/** A bus that can't be reached may be back soon; what it refuses for another reason it refuses for ever. */
function isPassing(error: unknown): boolean {
  return error instanceof AppError && error.code === "unavailable";
}

const closedError = () => new AppError("unavailable", "The bus is closed.");
