import { AppError } from "../common/errors.ts";
import type { ResumeAnswer } from "../protocol/events.ts";
import { AnswerText, BYTES_PER_PART, lengthOf, type StreamPart } from "./answer_text.ts";
import type { StreamLogWriter } from "./stream_log_writer.ts";
import { resumeAnswer, type StreamEnd } from "./stream_records.ts";
import type { TextBudget } from "./text_budget.ts";

export interface LiveStreamOptions {
  chatId: string;
  messageId: string;
  userId: string;
  taskId: string | undefined;
  log: StreamLogWriter;
  maxLength: number;
  budget: TextBudget;
}

/** One generation's text as this instance streams it: the truth, of which the store keeps a copy. */
export class LiveStream {
  readonly generation: string;
  readonly chatId: string;
  readonly messageId: string;
  readonly userId: string;
  readonly taskId: string | undefined;
  readonly log: StreamLogWriter;
  readonly #maxLength: number;
  readonly #superseded = new AbortController();
  #text = new AnswerText();
  readonly #budget: TextBudget;
  #takenBytes = 0;
  #isReleased = false;
  #end: StreamEnd | undefined;

  constructor(options: LiveStreamOptions) {
    this.generation = options.log.generation;
    this.chatId = options.chatId;
    this.messageId = options.messageId;
    this.userId = options.userId;
    this.taskId = options.taskId;
    this.log = options.log;
    this.#maxLength = options.maxLength;
    this.#budget = options.budget;
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
    return this.#text.seq + (this.#end ? 1 : 0);
  }

  /** Whether its text is no longer kept here, but in the store alone. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** UTF-16 units of text so far. */
  get length(): number {
    return this.#text.length;
  }

  get hasReasoning(): boolean {
    return this.#text.hasReasoning;
  }

  /** What came after the seq. */
  textAfter(seq: number): StreamPart {
    return this.#text.after(seq);
  }

  /** The text so far. */
  text(): StreamPart {
    return this.#text.after(0);
  }

  /**
   * Takes the next part and returns its seq. Throws `too_large` when the answer exceeds its bound, or
   * all of its user's together theirs, `unavailable` when this instance has too much under way.
   */
  append(part: StreamPart): number {
    if (this.#text.length + lengthOf(part) > this.#maxLength) {
      throw new AppError("too_large", "The answer is too long and was ended.");
    }
    const bytes = 2 * lengthOf(part) + BYTES_PER_PART;
    this.#budget.take(this.userId, bytes);
    this.#takenBytes += bytes;
    this.#text.append(part);
    this.log.append(part);
    return this.seq;
  }

  /** Ends the stream and returns the seq of its end. */
  end(end: StreamEnd): number {
    this.#end = end;
    return this.seq;
  }

  /** Its text is no longer kept here: what it cost is given back. */
  release(): void {
    this.#budget.giveBack(this.userId, this.#takenBytes);
    this.#takenBytes = 0;
    this.#isReleased = true;
    this.#text = new AnswerText();
  }

  supersede(): void {
    this.#superseded.abort(new AppError("conflict", "The message is generated again."));
  }

  /** What comes after `after` at this very moment: the next event is the one after the answer's seq. */
  resume(after: number, generation: string | undefined): ResumeAnswer {
    const isOther = generation !== undefined && generation !== this.generation;
    const { generation: own, seq } = this;
    return resumeAnswer(this.#text, isOther ? 0 : after, { generation: own, seq, end: this.#end });
  }
}
