import type { CompletionChunk } from "./model_provider.ts";
import { extendChunk } from "./openai_chunk.ts";
import { streamClock } from "./shared_clock.ts";

/** What may wait for a reader, in UTF-16 units; more waits at the source. */
const MAX_AHEAD = 4_096;

/** Pushes chunks until the answer has ended or the signal fires; throws when it is not whole. */
export type Fill = (queue: ChunkQueue, signal: AbortSignal) => Promise<void>;

interface Reader {
  resolve(result: IteratorResult<CompletionChunk, undefined>): void;
  reject(reason: unknown): void;
}

/**
 * Chunks between a source that pushes them as they come and one reader that takes them in its own
 * time: what comes meanwhile is joined to one chunk, so that a token costs neither a promise nor a
 * timer. The source begins with the first read, and is told to end when the reader leaves.
 */
export class ChunkQueue implements AsyncIterableIterator<CompletionChunk, undefined> {
  readonly #fill: Fill;
  readonly #signal: AbortSignal;
  readonly #ending = new AbortController();
  #isStarted = false;
  #everyMs = 0;
  /** The next chunk's time; one that is full, or the last, does not wait for it. */
  #dueMs = -Infinity;
  #pending: CompletionChunk | undefined;
  /** Whether the pending chunk was made here, and may be added to. */
  #isJoined = false;
  #isOver = false;
  #failure: { thrown: unknown } | undefined;
  #reader: Reader | undefined;
  #callOff: (() => void) | undefined;
  #isServing = false;
  #pieces = 0;
  #onTaken: (() => void) | undefined;

  constructor(fill: Fill, signal: AbortSignal) {
    this.#fill = fill;
    this.#signal = signal;
  }

  /**
   * Told when a chunk was taken before the queue was full: until when no other will be, and of how
   * many pieces that one was joined.
   */
  onPause: ((dueMs: number, pieces: number) => void) | undefined;

  /** Gives at most one chunk in `everyMs` from here on: the first at once, the rest at the end. */
  paced(everyMs: number): this {
    this.#everyMs = everyMs;
    return this;
  }

  push(chunk: CompletionChunk): void {
    if (this.#isOver) return;
    this.#pieces++;
    if (this.#pending === undefined) {
      this.#pending = chunk;
      this.#isJoined = false;
    } else {
      this.#pending = extendChunk(this.#isJoined ? this.#pending : { ...this.#pending }, chunk);
      this.#isJoined = true;
    }
    // Who waits for the clock is woken by it.
    if (this.isFull) this.#serve();
    else if (this.#callOff === undefined) this.#serveSoon();
  }

  /** Whether the source should wait until the reader has taken what there is. */
  get isFull(): boolean {
    const { content = "", reasoning = "" } = this.#pending ?? {};
    return content.length + reasoning.length > MAX_AHEAD;
  }

  /** Waits until the reader takes what there is, or leaves. */
  taken(): Promise<void> {
    if (this.#pending === undefined || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => this.#onTaken = resolve);
  }

  next(): Promise<IteratorResult<CompletionChunk, undefined>> {
    if (!this.#isStarted) this.#start();
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<CompletionChunk, undefined>> {
    this.#pending = undefined;
    this.#failure = undefined;
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #start(): void {
    this.#isStarted = true;
    if (this.#signal.aborted) return this.#onAbort();
    this.#signal.addEventListener("abort", this.#onAbort);
    // It never rejects. A source that does not hear its signal is left to itself, and keeps nobody.
    this.#fill(this, this.#ending.signal).then(
      () => this.#end(),
      (thrown) => this.#end({ thrown }),
    );
  }

  /** What was not taken by then is not wanted any more. */
  readonly #onAbort = () => {
    this.#pending = undefined;
    this.#end({ thrown: this.#signal.reason });
  };

  #end(failure?: { thrown: unknown }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#ending.abort(this.#signal.aborted ? this.#signal.reason : undefined);
    this.#onTaken?.();
    this.#serve();
  }

  /** One read of a source may be many chunks: they are given as one. */
  #serveSoon(): void {
    if (this.#isServing || this.#reader === undefined) return;
    this.#isServing = true;
    queueMicrotask(() => {
      this.#isServing = false;
      this.#serve();
    });
  }

  /** Gives the reader what it waits for, if it is there and due. */
  #serve(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    if (this.#pending === undefined && !this.#isOver) return;
    if (this.#everyMs > 0 && !this.#isOver && !this.isFull) {
      if (performance.now() < this.#dueMs) {
        this.#callOff ??= streamClock.at(this.#dueMs, () => {
          this.#callOff = undefined;
          this.#serve();
        });
        return;
      }
    }
    this.#reader = undefined;
    this.#callOff?.();
    this.#callOff = undefined;
    const chunk = this.#pending;
    if (chunk !== undefined) {
      const { isFull } = this;
      this.#pending = undefined;
      if (this.#everyMs > 0) {
        this.#dueMs = performance.now() + this.#everyMs;
        if (!isFull && !this.#isOver) this.onPause?.(this.#dueMs, this.#pieces);
      }
      this.#pieces = 0;
      const onTaken = this.#onTaken;
      this.#onTaken = undefined;
      onTaken?.();
      return reader.resolve({ done: false, value: chunk });
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) reader.reject(failure.thrown);
    else reader.resolve({ done: true, value: undefined });
  }
}
