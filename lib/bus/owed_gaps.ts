import type { Logger } from "../common/logger.ts";
import { Resync } from "./resync.ts";

/** Beyond so many channels, whoever listened to the first of them is not told. */
const MAX_CHANNELS = 50_000;

/**
 * Channels on which messages were given up. Whoever listens to them is owed a word: one for each
 * channel, however many messages it stands for, as soon as the bus takes it.
 */
export class OwedGaps implements AsyncDisposable {
  readonly #channels = new Set<string>();
  readonly #resync: Resync;

  /** @param tell rejects when the word did not get through */
  constructor(tell: (channel: string) => Promise<void>, logger: Logger) {
    this.#resync = new Resync("messages that were given up", async () => {
      for (const channel of [...this.#channels]) {
        await tell(channel);
        this.#channels.delete(channel);
      }
    }, logger);
  }

  add(channel: string): void {
    if (this.#channels.size >= MAX_CHANNELS) return;
    this.#channels.add(channel);
    this.#resync.request();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resync[Symbol.asyncDispose]();
  }
}
