import { pause } from "../common/pause.ts";

/** With what a round takes, what changed unannounced is found within 30 s. */
export const SWEEP_EVERY_MS = 25_000;

export interface AccessSweepOptions {
  /** Each asks again about all sessions of this instance, and never rejects. */
  reviews: readonly (() => Promise<void>)[];
  /** Default: 25,000. */
  everyMs?: number;
}

/**
 * Asks again and again who may still do what, where changes are not always announced. All sessions
 * are asked about at once, so that a round costs a few queries, however many there are.
 */
export class AccessSweep implements AsyncDisposable {
  readonly #options: Required<AccessSweepOptions>;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: AccessSweepOptions) {
    this.#options = { everyMs: SWEEP_EVERY_MS, ...options };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Changes may have been missed: the next round begins at once. */
  now(): void {
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { reviews, everyMs } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // Instances that were started together should not ask together.
      await pause(
        everyMs * (0.8 + 0.2 * Math.random()),
        AbortSignal.any([signal, this.#wake.signal]),
      );
      if (signal.aborted) return;
      this.#wake = new AbortController();
      await Promise.all(reviews.map((review) => review()));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
