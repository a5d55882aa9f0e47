import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { Bus, Listening } from "./bus.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { decodeFrame, type Frame } from "./frame.ts";
import { OwedGaps } from "./owed_gaps.ts";
import { Reassembler } from "./reassembler.ts";
import { type Receipt, SendQueue, type SendQueueOptions } from "./send_queue.ts";
import { DedupWindow } from "./dedup_window.ts";

const FLUSH_LIMIT_MS = 1_000;

export interface TransportOptions
  extends Pick<SendQueueOptions, "maxMessages" | "maxChars" | "maxAgeMs"> {
  bus: Bus;
  logger: Logger;
}

export interface TransportHandlers {
  onMessage(message: unknown): void;
  /** Messages were missed here, or given up by who sent them. */
  onGap?(): void;
}

/** Counts since the start, but for what is pending. Characters are UTF-16 units: bytes, for ASCII. */
export interface TransportStats {
  sentMessages: number;
  sentChars: number;
  sentParts: number;
  receivedFrames: number;
  receivedMessages: number;
  receivedChars: number;
  receivedParts: number;
  /** Frames that arrived a second time, and texts that made no sense. */
  duplicates: number;
  invalid: number;
  /** Messages that were given up: by the sender, and for want of their other parts. */
  dropped: number;
  droppedUnfinished: number;
  retries: number;
  pendingMessages: number;
  pendingChars: number;
  unfinished: number;
}

/**
 * Carries messages of any size over a bus: in parts, each once, in the order of their channel, to
 * other instances only. An instance has one, for all that it tells.
 */
export class ReliableTransport implements AsyncDisposable {
  readonly id: string = crypto.randomUUID();
  readonly #bus: Bus;
  readonly #logger: Logger;
  readonly #sendQueue: SendQueue;
  readonly #reassembler = new Reassembler();
  readonly #seen = new DedupWindow();
  readonly #owedGaps: OwedGaps;
  #receivedFrames = 0;
  #receivedMessages = 0;
  #receivedChars = 0;
  #receivedParts = 0;
  #duplicates = 0;
  #invalid = 0;

  constructor(options: TransportOptions) {
    const { bus, logger, ...bounds } = options;
    this.#bus = bus;
    this.#logger = logger;
    this.#owedGaps = new OwedGaps(
      (channel) => receipted((receipt) => this.#sendQueue.push(channel, "", receipt)),
      logger,
    );
    this.#sendQueue = new SendQueue({
      ...{ bus, logger, sender: this.id },
      ...bounds,
      onDropped: (channel) => this.#owedGaps.add(channel),
    });
  }

  get busName(): string {
    return this.#bus.name;
  }

  /** Whether nobody else is there to hear anything, where that is known. */
  get isAlone(): boolean {
    return this.#bus.isAlone?.() ?? false;
  }

  /**
   * Queues the message and returns. Never throws: should it be given up, that is counted, and who
   * listens to the channel is told of a gap.
   */
  send(channel: string, message: unknown, receipt?: Receipt): void {
    if (this.isAlone) return receipt?.();
    let body: string;
    try {
      body = encodeMessage(message);
    } catch (error) {
      this.#invalid++;
      this.#logger.error("bus: a message can't be sent", { channel, error: errorText(error) });
      return receipt?.(error);
    }
    this.#sendQueue.push(channel, body, receipt);
  }

  /**
   * As {@linkcode send}; resolves when the bus has taken the message.
   *
   * @throws {AppError} `unavailable` when it was given up
   * @throws {TypeError | RangeError} for what JSON can't carry
   */
  deliver(channel: string, message: unknown): Promise<void> {
    return receipted((receipt) => this.send(channel, message, receipt));
  }

  /** Listens to what others send, until `stop`. */
  listen(channel: string, handlers: TransportHandlers): Listening {
    return this.#bus.listen(channel, {
      onMessage: (text) => this.#receive(text, handlers),
      onGap: () => handlers.onGap?.(),
    });
  }

  #receive(text: string, handlers: TransportHandlers): void {
    this.#receivedFrames++;
    this.#receivedChars += text.length;
    const frame = decodeFrame(text);
    if (frame === undefined) {
      this.#invalid++;
    } else if (frame.sender !== this.id) {
      const body = this.#bodyOf(frame);
      if (body === "") handlers.onGap?.();
      else if (body !== undefined) this.#handle(body, handlers);
    }
  }

  #bodyOf({ part, ...frame }: Frame): string | undefined {
    if (!this.#seen.isNew(frame.sender, frame.seq)) {
      this.#duplicates++;
      return undefined;
    }
    if (part === undefined) return frame.body;
    this.#receivedParts++;
    return this.#reassembler.add({ ...frame, part });
  }

  #handle(body: string, { onMessage }: TransportHandlers): void {
    this.#receivedMessages++;
    try {
      onMessage(decodeMessage(body));
    } catch (error) {
      this.#invalid++;
      this.#logger.error("bus: a message can't be handled", { error: errorText(error) });
    }
  }

  stats(): TransportStats {
    const { sentMessages, sentChars, sentParts, dropped, retries } = this.#sendQueue;
    return {
      sentMessages,
      sentChars,
      sentParts,
      receivedFrames: this.#receivedFrames,
      receivedMessages: this.#receivedMessages,
      receivedChars: this.#receivedChars,
      receivedParts: this.#receivedParts,
      duplicates: this.#duplicates,
      invalid: this.#invalid,
      dropped,
      droppedUnfinished: this.#reassembler.dropped,
      retries,
      pendingMessages: this.#sendQueue.pendingMessages,
      pendingChars: this.#sendQueue.pendingChars,
      unfinished: this.#reassembler.pending,
    };
  }

  /** Sends what waits, for a second at most. The bus is its owner's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sendQueue.flush(FLUSH_LIMIT_MS);
    await this.#sendQueue[Symbol.asyncDispose]();
    await this.#owedGaps[Symbol.asyncDispose]();
    this.#reassembler[Symbol.dispose]();
  }
}

function receipted(send: (receipt: Receipt) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    send((error) => error === undefined ? resolve() : reject(error))
  );
}
