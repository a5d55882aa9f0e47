import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { Assembler } from "./assembler.ts";
import type { Bus, Listening } from "./bus.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { decodeFrame, type Frame } from "./frame.ts";
import { Outbox, type OutboxOptions } from "./outbox.ts";
import { RecentlySeen } from "./recently_seen.ts";

const FLUSH_LIMIT_MS = 1_000;

export interface CourierOptions extends
  Pick<
    OutboxOptions,
    "maxMessages" | "maxChars" | "maxAgeMs"
  > {
  bus: Bus;
  logger: Logger;
}

export interface CourierHandlers {
  onMessage(message: unknown): void;
  onGap?(): void;
}

/** Counts since the start, but for what is pending. Characters are UTF-16 units: bytes, for ASCII. */
export interface CourierStats {
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

/** Carries messages of any size over a bus: in parts, each once, in the order of their channel. */
export class Courier implements AsyncDisposable {
  readonly id: string = crypto.randomUUID();
  readonly #bus: Bus;
  readonly #logger: Logger;
  readonly #outbox: Outbox;
  readonly #assembler = new Assembler();
  readonly #seen = new RecentlySeen();
  #receivedFrames = 0;
  #receivedMessages = 0;
  #receivedChars = 0;
  #receivedParts = 0;
  #duplicates = 0;
  #invalid = 0;

  constructor(options: CourierOptions) {
    const { bus, logger, ...bounds } = options;
    this.#bus = bus;
    this.#logger = logger;
    this.#outbox = new Outbox({ bus, logger, sender: this.id, ...bounds });
  }

  /** Queues the message and returns; `false` when it is dropped. Never throws. */
  send(channel: string, message: unknown): boolean {
    if (this.#bus.isAlone?.()) return true;
    try {
      return this.#outbox.push(channel, encodeMessage(message));
    } catch (error) {
      this.#invalid++;
      this.#logger.error("cluster: a message can't be sent", { channel, error: errorText(error) });
      return false;
    }
  }

  /** Listens to what others send, until `stop`. */
  listen(channel: string, handlers: CourierHandlers): Listening {
    return this.#bus.listen(channel, {
      onMessage: (text) => this.#receive(text, handlers),
      onGap: () => handlers.onGap?.(),
    });
  }

  #receive(text: string, { onMessage }: CourierHandlers): void {
    this.#receivedFrames++;
    this.#receivedChars += text.length;
    const frame = decodeFrame(text);
    if (frame === undefined) {
      this.#invalid++;
    } else if (frame.sender !== this.id) {
      const body = this.#bodyOf(frame);
      if (body !== undefined) this.#handle(body, onMessage);
    }
  }

  #bodyOf({ part, ...frame }: Frame): string | undefined {
    if (!this.#seen.isNew(frame.sender, frame.seq)) {
      this.#duplicates++;
      return undefined;
    }
    if (part === undefined) return frame.body;
    this.#receivedParts++;
    return this.#assembler.add({ ...frame, part });
  }

  #handle(body: string, onMessage: CourierHandlers["onMessage"]): void {
    this.#receivedMessages++;
    try {
      onMessage(decodeMessage(body));
    } catch (error) {
      this.#invalid++;
      this.#logger.error("cluster: a message can't be handled", { error: errorText(error) });
    }
  }

  stats(): CourierStats {
    const { sentMessages, sentChars, sentParts, dropped, retries } = this.#outbox;
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
      droppedUnfinished: this.#assembler.dropped,
      retries,
      pendingMessages: this.#outbox.pendingMessages,
      pendingChars: this.#outbox.pendingChars,
      unfinished: this.#assembler.pending,
    };
  }

  /** Sends what waits, for a second at most. The bus is its owner's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#outbox.flush(FLUSH_LIMIT_MS);
    await this.#outbox[Symbol.asyncDispose]();
    this.#assembler[Symbol.dispose]();
  }
}
