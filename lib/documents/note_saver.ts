import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff } from "../common/pause.ts";

export interface NoteSaverOptions {
  /** Saves the document as it is now; returns about how many bytes that took. A throw is retried. */
  save(): Promise<number>;
  /** A save has failed and is tried again. */
  onFailure(thrown: unknown): void;
  /** After the last edit. Default: 500. */
  quietMs?: number;
  /** While edits go on. Default: 5,000. */
  maxWaitMs?: number;
  /** The longest wait after failures. Default: 30,000. */
  maxRetryMs?: number;
  /** The longest rest after a save, however large it was. Default: 60,000. */
  maxRestMs?: number;
  logger: Logger;
}

/**
 * How fast one document is written, on average. A save writes all of its state, which grows with
 * every edit: with a rest as long as the save was large, an edit costs as much after hours as at first.
 */
const BYTES_PER_MS = 4;

/**
 * When a document is saved: soon after the last edit, now and then while edits go on, after a rest
 * that is the longer the more the last save wrote, and again after a failure until it has worked.
 * Never two saves at once.
 */
export class NoteSaver implements Disposable {
  readonly #options: Required<NoteSaverOptions>;
  #isDirty = false;
  #firstEditMs = 0;
  #lastEditMs = 0;
  #retryMs = 0;
  #retryAtMs = 0;
  #restUntilMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #isDisposed = false;
  #clean: PromiseWithResolvers<void> | undefined;

  constructor(options: NoteSaverOptions) {
    this.#options = {
      quietMs: 500,
      maxWaitMs: 5_000,
      maxRetryMs: 30_000,
      maxRestMs: 60_000,
      ...options,
    };
  }

  get isDirty(): boolean {
    return this.#isDirty || this.#running !== undefined;
  }

  /** The document has changed since it was last saved. */
  edited(): void {
    const now = performance.now();
    if (!this.#isDirty) this.#firstEditMs = now;
    this.#isDirty = true;
    this.#lastEditMs = now;
    this.#schedule();
  }

  /** Resolves when no save is under way: what is stored is then of one moment. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  /** Saves now what is not saved yet. Rejects when this one try fails; the retries go on. */
  async flush(): Promise<void> {
    await this.settled();
    if (this.#isDirty && !this.#isDisposed) await this.#run();
  }

  /** Resolves once everything is saved, however many tries that takes; or at the disposal. */
  async whenClean(): Promise<void> {
    this.flush().catch(() => {});
    if (!this.isDirty || this.#isDisposed) return;
    this.#clean ??= Promise.withResolvers<void>();
    await this.#clean.promise;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#running || this.#isDisposed) return;
    this.#timer = setTimeout(() => this.#due(), this.#waitMs());
  }

  #waitMs(): number {
    const { quietMs, maxWaitMs } = this.#options;
    const dueMs = Math.min(this.#lastEditMs + quietMs, this.#firstEditMs + maxWaitMs);
    return Math.max(0, Math.max(dueMs, this.#retryAtMs, this.#restUntilMs) - performance.now());
  }

  #due(): void {
    this.#timer = undefined;
    // One timer for a burst of edits: it looks again instead of being set anew with each.
    if (this.#waitMs() > 1) return this.#schedule();
    this.#run().catch(() => {});
  }

  #run(): Promise<void> {
    return this.#running ??= this.#saveOnce();
  }

  async #saveOnce(): Promise<void> {
    const { save, onFailure, logger, quietMs, maxRetryMs, maxRestMs } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDirty = false;
    try {
      const bytes = await save();
      this.#restUntilMs = performance.now() + Math.min(maxRestMs, bytes / BYTES_PER_MS);
      this.#retryMs = this.#retryAtMs = 0;
    } catch (thrown) {
      this.#isDirty = true;
      this.#retryMs = backOff(this.#retryMs, { firstMs: quietMs, maxMs: maxRetryMs });
      this.#retryAtMs = performance.now() + this.#retryMs;
      logger.warn("note not saved yet", { error: errorText(thrown), retryMs: this.#retryMs });
      if (!this.#isDisposed) onFailure(thrown);
      throw thrown;
    } finally {
      this.#running = undefined;
      if (this.#isDirty) this.#schedule();
      else this.#release();
    }
  }

  #release(): void {
    this.#clean?.resolve();
    this.#clean = undefined;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#release();
  }
}
