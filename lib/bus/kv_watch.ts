import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";

export interface KvWatchOptions {
  /** Opens the handle that is watched; it is closed with the watch. */
  open: () => Promise<Pick<Deno.Kv, "watch" | "close">>;
  /** The entry that is watched: it names who wrote last. */
  key: Deno.KvKey;
  /** Who writes here: news of others only shows that the watch tells. */
  writer: string;
  onNews(): void;
  logger: Logger;
}

/** One entry of a KV Connect server, watched for ever. A watch that has fallen silent is replaced. */
export class KvWatch implements AsyncDisposable {
  readonly #options: KvWatchOptions;
  readonly #stop = new AbortController();
  #cancel = () => {};
  #isTelling = true;
  #running: Promise<void> = Promise.resolve();

  constructor(options: KvWatchOptions) {
    this.#options = options;
  }

  /** Whether it can be relied on; if not, somebody has to ask. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  start(): void {
    this.#running = this.#keepWatching();
  }

  /** There was news that it did not tell. */
  replace(): void {
    this.#isTelling = false;
    this.#cancel();
  }

  async #keepWatching(): Promise<void> {
    const { signal } = this.#stop;
    for (let pauseMs = 0; !signal.aborted;) {
      try {
        await this.#watch(() => pauseMs = 0);
      } catch (error) {
        if (!signal.aborted) {
          const { logger } = this.#options;
          logger.warn("bus: the watch of the database ended", { error: errorText(error) });
        }
      }
      pauseMs = backOff(pauseMs);
      await pause(pauseMs, signal);
    }
  }

  /** Watches until that is cancelled, or fails. */
  async #watch(onTold: () => void): Promise<void> {
    const { open, key, writer, onNews } = this.#options;
    const kv = await open();
    try {
      const reader = kv.watch<[string]>([key]).getReader();
      this.#cancel = () => void reader.cancel().catch(() => {});
      if (this.#stop.signal.aborted) return this.#cancel();
      // The first thing a watch tells is what was there before.
      for (let isFirst = true;; isFirst = false) {
        const { done, value } = await reader.read();
        if (done) return;
        onNews();
        if (isFirst) continue;
        onTold();
        if (value[0].value !== null && value[0].value !== writer) this.#isTelling = true;
      }
    } finally {
      kv.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#cancel();
    await this.#running;
  }
}
