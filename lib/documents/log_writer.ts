import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";
import type { UpdateLog } from "../state/state_store.ts";

/**
 * A log grows by an update for so many bytes of its snapshot before the next one is made: what that
 * takes is spread over the more updates the larger it is.
 */
const SNAPSHOT_BYTES_PER_UPDATE = 64;
/** Updates that are read in a moment by whoever opens the document. */
const MAX_UPDATES_BEHIND = 20_000;
const MAX_WAITING = 2_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

interface Entry {
  update: Uint8Array;
  /** Called once it is in the log, in the order of the log. */
  onLogged(): void;
  /** Ends the wait of who asked; the first failure rejects it. */
  resolve(): void;
  reject(thrown: unknown): void;
}

export interface LogWriterOptions {
  log: UpdateLog;
  /** From this length on, the older half becomes one snapshot; later where that is large. */
  compactionThreshold: number;
  /** The updates as one. */
  merge(updates: Uint8Array[]): Promise<Uint8Array>;
  logger: Logger;
}

/**
 * Appends a document's updates in the order they came, what waits together with one round trip.
 *
 * An update that could not be appended has been refused to its sender, yet stands in the document
 * here: it is kept and tried again, because whatever the same client sends next builds on it.
 */
export class LogWriter implements Disposable {
  readonly #options: LogWriterOptions;
  readonly #stop = new AbortController();
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  #compactFrom: number;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#compactFrom = options.compactionThreshold;
  }

  /** What is not in the log yet. */
  get waiting(): Uint8Array[] {
    return this.#waiting.map(({ update }) => update);
  }

  /** @throws {AppError} `unavailable` while too much waits for the store */
  checkRoom(): void {
    if (this.#waiting.length < MAX_WAITING && this.#waitingBytes < MAX_WAITING_BYTES) return;
    throw new AppError("unavailable", "The store is behind: try again.", { retryAfterMs: 1_000 });
  }

  /** Resolves when the update is in the log; rejects at the first failure, and keeps trying. */
  append(update: Uint8Array, onLogged: () => void): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ update, onLogged, resolve, reject });
      this.#waitingBytes += update.length;
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more, retries included; or when the writer has been disposed. */
  async idle(): Promise<void> {
    await this.#running;
    await this.#compacting;
  }

  async #run(): Promise<void> {
    const { log, logger } = this.#options;
    let waitMs = 0;
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      const batch = [...this.#waiting];
      try {
        const length = await log.append(...batch.map(({ update }) => update));
        waitMs = 0;
        this.#waiting.splice(0, batch.length);
        for (const { update, onLogged, resolve } of batch) {
          this.#waitingBytes -= update.length;
          onLogged();
          resolve();
        }
        this.#compactIfLong(length);
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
        logger.warn("updates not in the log yet", {
          error: errorText(thrown),
          count: batch.length,
        });
        waitMs = backOff(waitMs);
        await pause(waitMs, this.#stop.signal);
      }
    }
    this.#running = undefined;
  }

  /** One compaction at a time here; two instances that try at once are told apart by the log. */
  #compactIfLong(length: number): void {
    if (length < this.#compactFrom || this.#compacting) return;
    const { log, logger, compactionThreshold, merge } = this.#options;
    const count = Math.max(2, Math.floor(length / 2));
    const compact = async () => {
      try {
        let bytes = 0;
        await log.compact(count, async (oldest) => {
          const snapshot = await merge(oldest);
          bytes = snapshot.length;
          return snapshot;
        });
        const behind = Math.min(MAX_UPDATES_BEHIND, bytes / SNAPSHOT_BYTES_PER_UPDATE);
        this.#compactFrom = Math.max(compactionThreshold, length - count + behind);
      } catch (thrown) {
        // A snapshot that is too large, or a store that is away: not with every update again.
        this.#compactFrom = length + compactionThreshold;
        logger.warn("document log not compacted", { error: errorText(thrown), length });
      }
      this.#compacting = undefined;
    };
    this.#compacting = compact();
  }

  /** Ends the retries; what waits is rejected. */
  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const { reject } of this.#waiting) reject(closed());
  }
}

const closed = () => new AppError("unavailable", "The document has been closed.");
