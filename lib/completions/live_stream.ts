import { AppError } from "../common/errors.ts";
import type { CompletionData, ResumeAnswer } from "../protocol/events.ts";
import { type StreamPart, textAfter } from "./stream_records.ts";
import type { StreamLogWriter } from "./stream_log_writer.ts";

/** How a generation ended. */
export type StreamEnd = Pick<CompletionData, "error" | "interrupted">;

export interface LiveStreamOptions {
  chatId: string;
  messageId: string;
  userId: string;
  taskId: string | undefined;
  log: StreamLogWriter;
  maxLength: number;
}

/** One generation's text as this instance streams it: the truth, of which the store keeps a copy. */
export class LiveStream {
  readonly generation = crypto.randomUUID();
  readonly chatId: string;
  readonly messageId: string;
  readonly userId: string;
  readonly taskId: string | undefined;
  readonly log: StreamLogWriter;
  readonly #maxLength: number;
  readonly #superseded = new AbortController();
  #parts: StreamPart[] = [];
  #length = 0;
  #end: StreamEnd | undefined;

  constructor(options: LiveStreamOptions) {
    this.chatId = options.chatId;
    this.messageId = options.messageId;
    this.userId = options.userId;
    this.taskId = options.taskId;
    this.log = options.log;
    this.#maxLength = options.maxLength;
  }

  /** Fires when a newer generation of the message has begun: nothing of this one counts any more. */
  get superseded(): AbortSignal {
    return this.#superseded.signal;
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** The last seq. */
  get seq(): number {
    return this.#parts.length + (this.#end ? 1 : 0);
  }

  /** UTF-16 units of text so far. */
  get length(): number {
    return this.#length;
  }

  /** The text so far. */
  text(): StreamPart {
    return textAfter(this.#parts, 0);
  }

  /** Takes the next part and returns its seq. Throws `too_large` when the answer exceeds its bound. */
  append(part: StreamPart): number {
    const length = this.#length + part.content.length + part.reasoning.length;
    if (length > this.#maxLength) {
      throw new AppError("too_large", "The answer is too long and was ended.");
    }
    this.#length = length;
    this.#parts.push(part);
    this.log.append(part);
    return this.seq;
  }

  /** Ends the stream and returns the seq of its end. */
  end(end: StreamEnd): number {
    this.#end = end;
    return this.seq;
  }

  supersede(): void {
    this.#superseded.abort(new AppError("conflict", "The message is generated again."));
  }

  /** What comes after `after` at this very moment: the next event is the one after the answer's seq. */
  resume(after: number, generation: string | undefined): ResumeAnswer {
    const isOther = generation !== undefined && generation !== this.generation;
    const { content, reasoning } = textAfter(this.#parts, isOther ? 0 : after);
    return {
      active: !this.isEnded,
      generation: this.generation,
      seq: this.seq,
      content,
      ...(reasoning !== "" && { reasoning }),
      done: this.isEnded,
      ...this.#end,
    };
  }
}
