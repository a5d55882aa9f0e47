import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";

/** Tells the log of an outage of the bus: once when it begins, once when messages are given up, once when it ends. */
export class OutageLog {
  /** Messages that were given up since the start. */
  dropped = 0;
  readonly #bus: string;
  readonly #logger: Logger;
  #isFailing = false;
  #droppedBefore = 0;

  constructor(bus: string, logger: Logger) {
    this.#bus = bus;
    this.#logger = logger;
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#logger.warn("bus: no messages are taken, they wait", {
      bus: this.#bus,
      error: errorText(error),
    });
  }

  gaveUp(why: string): void {
    if (this.dropped === this.#droppedBefore) {
      this.#logger.warn("bus: messages to other instances are dropped", { why });
    }
    this.dropped++;
  }

  recovered(): void {
    const dropped = this.dropped - this.#droppedBefore;
    if (!this.#isFailing && dropped === 0) return;
    this.#isFailing = false;
    this.#droppedBefore = this.dropped;
    this.#logger.info("bus: messages are taken again", { dropped });
  }
}
