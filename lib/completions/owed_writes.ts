import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import { backOff, pause } from "../common/pause.ts";

/** How long a stop waits for the last tries, in milliseconds. */
const LAST_TRY_MS = 500;

/** Writes that the store refused: each is tried until it is done. */
export class OwedWrites implements AsyncDisposable {
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  readonly #owed = new Set<Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How many are not done yet. */
  get size(): number {
    return this.#owed.size;
  }

  /** Tries until the work is done; its first failure is logged, the others only counted. */
  keep(work: () => Promise<unknown>, what: string): void {
    const owed = this.#try(work, what).finally(() => this.#owed.delete(owed));
    this.#owed.add(owed);
  }

  /** Ends the waits; each work gets one more try, which is not waited for long. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await settledWithin(Promise.all(this.#owed), LAST_TRY_MS);
  }

  async #try(work: () => Promise<unknown>, what: string): Promise<void> {
    const { signal } = this.#stop;
    for (let waitMs = 0, failures = 0;;) {
      const isLast = signal.aborted;
      try {
        await work();
        if (failures > 0) this.#logger.info(`${what}: done`, { failures });
        return;
      } catch (thrown) {
        failures++;
        if (failures === 1 || isLast) {
          const error = errorText(thrown);
          if (isLast) this.#logger.error(`${what}: given up`, { error });
          else this.#logger.warn(`${what}: tried again until it is done`, { error });
        }
        if (isLast) return;
      }
      waitMs = backOff(waitMs);
      await pause(waitMs, signal);
    }
  }
}
