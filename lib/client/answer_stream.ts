import { type ChatMessage, isTemporary } from "../protocol/chat.ts";
import { type AnswerFile, outcomeOf } from "../protocol/answer_outcome.ts";
import type { CompletionEvent, ResumeAnswer } from "../protocol/events.ts";
import { Answer, type StoredAnswer } from "./answer.ts";
import type { CaughtUp } from "./comeback.ts";
import type { Connection } from "./connection.ts";
import { isClientError } from "./errors.ts";
import { Listeners } from "./listeners.ts";

/** Events that wait while what is before them is asked for; beyond, they are asked for, too. */
const MAX_WAITING = 2_000;
const RETRY_MS = 1_000;
/** An answer of which nothing is heard for so long may have lost its instance: the server is asked. */
const SILENCE_MS = 5_000;

/** Where an answer is, for {@linkcode AnswerStream}. */
export interface AnswerPlace {
  chatId: string;
  messageId: string;
}

/** An answer that is kept whole: gaps, reconnects and newer generations are asked for. */
export class AnswerStream {
  readonly answer: Answer = new Answer();
  readonly changes: Listeners<void> = new Listeners<void>();
  readonly place: AnswerPlace;
  /** Who follows it. */
  followers = 0;
  readonly #connection: Connection;
  #waiting: CompletionEvent[] = [];
  #isAsking = false;
  #resuming: Promise<CaughtUp> = Promise.resolve("whole");
  #askAgain = false;
  #isEnded = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heardAtMs = performance.now();

  constructor(connection: Connection, place: AnswerPlace) {
    this.#connection = connection;
    this.place = place;
  }

  take(event: CompletionEvent): void {
    this.listen();
    if (this.#isAsking) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event);
      else this.#askAgain = true;
      return;
    }
    const merged = this.answer.merge(event);
    if (merged === "applied") this.changes.tell();
    else if (merged === "gap") void this.resume();
  }

  /** Asks for what comes after what is here, and says how that went; failures are tried again. */
  resume(): Promise<CaughtUp> {
    if (this.#isEnded) return Promise.resolve("whole");
    this.#askAgain = this.#isAsking;
    return this.#isAsking ? this.#resuming : this.#resuming = this.#resume();
  }

  async #resume(): Promise<CaughtUp> {
    clearTimeout(this.#retry);
    // Whoever listens next sets it anew.
    this.#retry = undefined;
    this.#isAsking = true;
    const before = this.answer.snapshot;
    let isRead = false;
    try {
      const answer = await this.#ask();
      if (!this.answer.resumed(answer)) await this.#takeStored();
      this.listen();
      isRead = true;
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#isAsking = false;
      this.#takeWaiting();
      if (!this.#isEnded && before !== this.answer.snapshot) this.changes.tell();
    }
    if (this.#askAgain) return await this.resume();
    if (!isRead || this.answer.snapshot.state === "lost") return "failed";
    return this.answer.deltaSince(before)?.isReset ? "anew" : "whole";
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#retry);
    this.#waiting = [];
    this.changes.clear();
  }

  #ask(): Promise<ResumeAnswer> {
    const { chatId, messageId } = this.place;
    const { generation, seq } = this.answer.snapshot;
    return this.#connection.ask("chat:resume", {
      chat_id: chatId,
      message_id: messageId,
      ...(generation !== undefined && { generation, after: seq }),
    });
  }

  /** The stream is over and forgotten, or there was none yet: what is stored says which. */
  async #takeStored(): Promise<void> {
    const { chatId, messageId } = this.place;
    const { generation, content, reasoning, files } = this.answer.snapshot;
    if (isTemporary(chatId)) {
      // It is kept nowhere: where no server knows of it any more, this is all that there is.
      const outcome = { interrupted: true };
      if (generation) this.answer.replace({ content, reasoning, files: [...files], outcome });
      return;
    }
    const { chat } = await this.#connection.api("GET /api/v1/chats/{id}", {
      params: { id: chatId },
    });
    const stored = storedAnswer(chat.history?.messages?.[messageId] as ChatMessage | undefined);
    // Nothing has streamed yet: the first event will come by itself.
    if (this.answer.snapshot.generation !== undefined || stored.content !== "" || stored.isDone) {
      this.answer.replace(stored);
    }
  }

  #failed(thrown: unknown): void {
    // A connection that was lost asks again when it is back.
    if (this.#connection.status.state !== "online" || this.#isEnded) return;
    if (isClientError(thrown, "not_found")) return;
    this.#retry = setTimeout(() => void this.resume(), RETRY_MS);
  }

  /** Asks when nothing is heard for a while: an instance that died says no end by itself. */
  listen(): void {
    this.#heardAtMs = performance.now();
    if (this.#retry !== undefined || this.#isEnded || this.answer.snapshot.isDone) return;
    const look = (afterMs: number) => {
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        if (this.#isEnded || this.answer.snapshot.isDone) return;
        const leftMs = this.#heardAtMs + SILENCE_MS - performance.now();
        if (leftMs > 0) look(leftMs);
        else if (this.#connection.status.state === "online") void this.resume();
      }, afterMs);
    };
    look(SILENCE_MS);
  }

  #takeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const event of waiting) {
      const { generation } = event.data.data;
      // Which of two generations is the newer can't be told from here: the server is asked.
      const isUnknown = generation !== this.answer.snapshot.generation &&
        !this.answer.isReplaced(generation);
      if (this.#isAsking || isUnknown) this.#askAgain = true;
      else if (this.answer.merge(event) === "gap") this.#askAgain = true;
    }
  }
}

/** What is stored of an answer that nobody streams any more; without an end it was cut off. */
function storedAnswer(message: ChatMessage | undefined): StoredAnswer & { isDone: boolean } {
  const { content = "", reasoning_content: reasoning, files, done } = message ?? {};
  const isDone = done === true;
  return {
    ...{ content, isDone },
    ...(reasoning !== undefined && { reasoning }),
    ...(files && { files: files as AnswerFile[] }),
    outcome: outcomeOf({ ...message, ...(!isDone && { interrupted: true }) }),
  };
}
