import type { CompletionEvent, ResumeAnswer } from "../protocol/events.ts";
import { Answer, type StoredAnswer } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { ClientError } from "./errors.ts";
import { Listeners } from "./listeners.ts";

/** Events that wait while what is before them is asked for; beyond, they are asked for, too. */
const MAX_WAITING = 2_000;
const RETRY_MS = 1_000;

export interface FollowedAnswerOptions {
  connection: Connection;
  chatId: string;
  messageId: string;
  /** The message as it is stored, for a stream that the server knows nothing of any more. */
  stored?: () => Promise<StoredAnswer>;
}

/** An answer that is kept whole: gaps, reconnects and newer generations are asked for. */
export class FollowedAnswer implements Disposable {
  readonly answer = new Answer();
  readonly chatId: string;
  readonly messageId: string;
  readonly #options: FollowedAnswerOptions;
  readonly #changes = new Listeners<Answer>();
  #waiting: CompletionEvent[] = [];
  #isAsking = false;
  #askAgain = false;
  #isEnded = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FollowedAnswerOptions) {
    this.#options = options;
    this.chatId = options.chatId;
    this.messageId = options.messageId;
  }

  onChange(listener: (answer: Answer) => void): () => void {
    return this.#changes.add(listener);
  }

  take(event: CompletionEvent): void {
    if (this.#isAsking) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event);
      else this.#askAgain = true;
      return;
    }
    const merged = this.answer.merge(event);
    if (merged === "applied") this.#changes.tell(this.answer);
    else if (merged === "gap") void this.resume();
  }

  /** Asks for what comes after what is here. Ends by itself; failures are tried again. */
  async resume(): Promise<void> {
    if (this.#isEnded) return;
    this.#askAgain = this.#isAsking;
    if (this.#isAsking) return;
    clearTimeout(this.#retry);
    this.#isAsking = true;
    try {
      const answer = await this.#ask();
      if (!this.answer.resumed(answer)) await this.#takeStored();
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#isAsking = false;
      this.#takeWaiting();
      if (!this.#isEnded) this.#changes.tell(this.answer);
    }
    if (this.#askAgain) await this.resume();
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    clearTimeout(this.#retry);
    this.#waiting = [];
  }

  #ask(): Promise<ResumeAnswer> {
    const { connection, chatId, messageId } = this.#options;
    const { generation, seq } = this.answer;
    return connection.ask("chat:resume", {
      chat_id: chatId,
      message_id: messageId,
      ...(generation !== undefined && { generation, after: seq }),
    });
  }

  async #takeStored(): Promise<void> {
    const stored = await this.#options.stored?.();
    // Nothing has streamed yet: the first event will come by itself.
    if (stored && (this.answer.generation !== undefined || stored.content !== "")) {
      this.answer.replace(stored);
    }
  }

  #failed(thrown: unknown): void {
    // A connection that was lost asks again when it is back.
    if (this.#options.connection.status.state !== "online") return;
    if (thrown instanceof ClientError && thrown.code === "not_found") return;
    if (!this.#isEnded) this.#retry = setTimeout(() => void this.resume(), RETRY_MS);
  }

  #takeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const event of waiting) {
      const { generation } = event.data.data;
      // Which of two generations is the newer can't be told from here: the server is asked.
      const isUnknown = generation !== this.answer.generation &&
        !this.answer.isReplaced(generation);
      if (this.#isAsking || isUnknown) this.#askAgain = true;
      else if (this.answer.merge(event) === "gap") this.#askAgain = true;
    }
  }
}
