import type { AnswerDelta, AnswerSnapshot } from "./answer.ts";
import type { AnswerStream } from "./answer_stream.ts";
import { ClientError } from "./errors.ts";
import { Listeners } from "./listeners.ts";
import type { Readable } from "./store.ts";

/** What a followed answer needs of whoever made it. */
export interface FollowedAnswerOwner {
  /** Nobody looks at it any more. */
  release(): void;
  /** Ends the answer at the server. */
  stop(): Promise<void>;
}

/**
 * An answer as one part of a program follows it: whole, whatever the connection does, until it is
 * disposed of. Others that follow the same answer are not touched by that.
 */
export class FollowedAnswer implements Disposable, Readable<AnswerSnapshot> {
  readonly #stream: AnswerStream;
  readonly #owner: FollowedAnswerOwner;
  readonly #changes = new Listeners<AnswerSnapshot>();
  readonly #end: () => void;
  #isEnded = false;

  /** Made by `follow` and `ask` of the chats. */
  constructor(stream: AnswerStream, owner: FollowedAnswerOwner) {
    this.#stream = stream;
    this.#owner = owner;
    this.#end = stream.changes.add(() => this.#changes.tell(this.snapshot));
  }

  /** The chat that the answer is in. */
  get chatId(): string {
    return this.#stream.place.chatId;
  }

  /** The message that the answer fills. */
  get messageId(): string {
    return this.#stream.place.messageId;
  }

  /** What there is now: a new object after each change. */
  get snapshot(): AnswerSnapshot {
    return this.#stream.answer.snapshot;
  }

  /** Hears each change, with what there is then. Returns the end. */
  onChange(listener: (answer: AnswerSnapshot) => void): () => void {
    return this.#changes.add(listener);
  }

  /** The same as React's `useSyncExternalStore` wants it. */
  readonly subscribe = (listener: () => void): () => void => this.#changes.add(listener);

  /**
   * Resolves with the whole answer once it has ended, however it did: `state` says how. Rejects with
   * `unavailable` when it is disposed of before.
   */
  get done(): Promise<AnswerSnapshot> {
    return (async () => {
      // Looked at anew each time: the end may come in the same moment as what is before it.
      while (!this.snapshot.isDone) await this.#next();
      return this.snapshot;
    })();
  }

  /** What comes from now on, after what is there already; ends with the answer. */
  async *[Symbol.asyncIterator](): AsyncGenerator<AnswerDelta, void, void> {
    let seen: AnswerSnapshot | undefined;
    while (true) {
      const delta = this.#stream.answer.deltaSince(seen);
      seen = this.snapshot;
      if (delta) yield delta;
      else if (seen.isDone) return;
      // Something may have come while the last part was being looked at.
      if (seen === this.snapshot && !seen.isDone) await this.#next();
    }
  }

  /** Ends the answer, on whichever instance it is written. */
  stop(): Promise<void> {
    return this.#owner.stop();
  }

  /** Follows it no longer. The answer goes on at the server, and for others that follow it. */
  [Symbol.dispose](): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#end();
    this.#changes.tell(this.snapshot);
    this.#changes.clear();
    this.#owner.release();
  }

  /** Follows it no longer; the same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  #next(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        off();
        if (!this.#isEnded) return resolve();
        reject(new ClientError("unavailable", "The answer is not followed any more."));
      };
      const off = this.#changes.add(settle);
      if (this.#isEnded) settle();
    });
  }
}
