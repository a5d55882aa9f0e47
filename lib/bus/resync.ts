import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";

export type ResyncWork = (signal: AbortSignal) => void | Promise<void>;

/**
 * Work that is owed until it has succeeded. Requests that come while it waits are one, a request
 * that comes while it runs is one more run; a failure is tried again with a back-off, for ever.
 */
export class Resync implements AsyncDisposable {
  readonly #what: string;
  readonly #work: ResyncWork;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #isOwed = false;
  #running: Promise<void> | undefined;

  /** @param what names the work in the log */
  constructor(what: string, work: ResyncWork, logger: Logger) {
    this.#what = what;
    this.#work = work;
    this.#logger = logger;
  }

  request(): void {
    this.#isOwed = true;
    this.#running ??= this.#run();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let waitMs = 0;
    await Promise.resolve();
    while (this.#isOwed && !signal.aborted) {
      this.#isOwed = false;
      try {
        await this.#work(signal);
        waitMs = 0;
      } catch (thrown) {
        if (waitMs === 0 && !signal.aborted) {
          this.#logger.warn("bus: what was missed can't be made up for yet", {
            what: this.#what,
            error: errorText(thrown),
          });
        }
        this.#isOwed = true;
        waitMs = backOff(waitMs);
        await pause(waitMs, signal);
      }
    }
    this.#running = undefined;
  }

  /** What is owed is owed no more; resolves when nothing of it runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
