import { errorText } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { backOff, pause } from "./pause.ts";

/** A question to the store about who may what, and what to do with its answer. */
export interface AccessQuestion<A = unknown> {
  /** Of several questions with one key only the newest one's answer counts. */
  key: string;
  /** Asks the store. A rejection means that it can't tell, never that the answer is no. */
  ask(): Promise<A>;
  /** Puts the answer into force. */
  apply(answer: A): void | Promise<void>;
  /** Whether anybody is concerned who is still there. Asked before the store is asked again. */
  matters(): boolean;
}

export interface AccessReviewOptions {
  /** What is asked for, in the words of a log line: `channels`. */
  what: string;
  logger: Logger;
}

/** Questions that are asked at once: who answers many with one look needs them together. */
const MAX_AT_ONCE = 1_000;

/**
 * The one policy for access that may have changed: "can't tell" is not "no".
 *
 * Each question is asked at once. What the store can't tell stays as it is and is asked again, with
 * back-off, until the answer is known, a newer question about the same takes its place, or nobody
 * is left whom it concerns. A change of this state is one line in the log.
 */
export class AccessReview implements Disposable {
  readonly #options: AccessReviewOptions;
  readonly #newest = new Map<string, symbol>();
  readonly #owed = new Map<string, AccessQuestion>();
  readonly #disposed = new AbortController();
  #retrying: Promise<void> | undefined;

  constructor(options: AccessReviewOptions) {
    this.#options = options;
  }

  /** Questions whose answers are not known yet. */
  get owed(): number {
    return this.#owed.size;
  }

  /** Resolves when the store was asked, and the answer is in force or owed. Never rejects. */
  async ask<A>(question: AccessQuestion<A>): Promise<void> {
    const { key } = question;
    const turn = Symbol();
    this.#newest.set(key, turn);
    this.#owed.delete(key);
    try {
      const answer = await question.ask();
      if (this.#newest.get(key) === turn) await question.apply(answer);
    } catch (thrown) {
      if (this.#newest.get(key) === turn) this.owe(question, thrown);
    } finally {
      if (this.#newest.get(key) === turn) this.#newest.delete(key);
    }
  }

  /** As {@linkcode ask}, for many, some of them at a time. */
  async askAll(questions: Iterable<AccessQuestion>): Promise<void> {
    const queue = questions[Symbol.iterator]();
    const worker = async () => {
      for (let next = queue.next(); !next.done; next = queue.next()) await this.ask(next.value);
    };
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, worker));
  }

  /** The store could not tell (`cause`): the question is asked again later, until it can. */
  owe<A>(question: AccessQuestion<A>, cause: unknown): void {
    this.#owed.set(question.key, question as AccessQuestion);
    if (this.#retrying || this.#disposed.signal.aborted) return;
    const { what, logger } = this.#options;
    const error = errorText(cause);
    logger.warn(`access to ${what} not known: asked again until it is`, { error });
    this.#retrying = this.#retry();
  }

  async #retry(): Promise<void> {
    const { signal } = this.#disposed;
    for (let waitMs = 0; this.#owed.size > 0;) {
      waitMs = backOff(waitMs);
      await pause(waitMs, signal);
      if (signal.aborted) return;
      for (const [key, question] of this.#owed) {
        if (!question.matters()) this.#owed.delete(key);
      }
      await this.askAll([...this.#owed.values()]);
    }
    this.#retrying = undefined;
    this.#options.logger.info(`access to ${this.#options.what} known again`);
  }

  [Symbol.dispose](): void {
    this.#disposed.abort();
    this.#owed.clear();
  }
}
