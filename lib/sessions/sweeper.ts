import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import { backOff, pause } from "../common/pause.ts";
import type { SweepContext, SweepJob } from "../common/sweep_job.ts";
import type { HeldLock, StateStore } from "../state/state_store.ts";

export interface SweeperOptions {
  store: StateStore;
  logger: Logger;
  jobs: readonly SweepJob[];
  deadAmong: SweepContext["deadAmong"];
  /** The time of the locks; they are renewed at a third of it, idle or not. Default: 30,000. */
  lockTtlMs?: number;
}

/**
 * Does each job on one instance of all, whichever holds the job's lock. Losing the lock, a failing
 * sweep or a store that is away delay a job; nothing but disposal ends it.
 */
export class Sweeper implements AsyncDisposable {
  readonly #options: Required<SweeperOptions>;
  readonly #stop = new AbortController();
  readonly #lastGoodMs = new Map<SweepJob, number>();
  #running: Promise<unknown> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = { lockTtlMs: 30_000, ...options };
  }

  start(): void {
    for (const job of this.#options.jobs) this.#lastGoodMs.set(job, performance.now());
    this.#running ??= Promise.all(this.#options.jobs.map((job) => this.#keepDoing(job)));
  }

  /** Whether every job has been done, or seen in another's hands, within its last three cycles. */
  alive(): boolean {
    const now = performance.now();
    return this.#running !== undefined && !this.#stop.signal.aborted &&
      [...this.#lastGoodMs].every(([job, at]) =>
        now - at < 3 * Math.max(job.everyMs, this.#options.lockTtlMs)
      );
  }

  async #keepDoing(job: SweepJob): Promise<void> {
    const { store, lockTtlMs, logger } = this.#options;
    const { signal } = this.#stop;
    let failureWaitMs = 0;
    while (!signal.aborted) {
      try {
        const lock = await store.acquire(job.lock, { ttlMs: lockTtlMs });
        failureWaitMs = 0;
        if (lock) {
          await this.#hold(job, lock);
        } else {
          this.#lastGoodMs.set(job, performance.now());
          await pause(lockTtlMs / 3, signal);
        }
      } catch (thrown) {
        logger.warn("sweep lock failed", { job: job.name, error: errorText(thrown) });
        failureWaitMs = backOff(failureWaitMs, { maxMs: lockTtlMs / 3 });
        await pause(failureWaitMs, signal);
      }
    }
  }

  /** Sweeps for as long as the lock is ours. */
  async #hold(job: SweepJob, lock: HeldLock): Promise<void> {
    await using _released = lock;
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, lost.signal]);
    const renewing = this.#keepRenewing(job, lock, signal).finally(() => lost.abort());
    try {
      const mostMs = Math.min(job.everyMs, this.#options.lockTtlMs / 3);
      for (let waitMs = 0; !signal.aborted;) {
        const isDone = await this.#sweepOnce(job, signal);
        waitMs = isDone ? 0 : backOff(waitMs, { maxMs: mostMs });
        await pause(isDone ? job.everyMs : waitMs, signal);
      }
    } finally {
      lost.abort();
      await renewing;
    }
  }

  /** Says whether it was done: a sweep that failed is tried again soon, not a cycle later. */
  async #sweepOnce(job: SweepJob, signal: AbortSignal): Promise<boolean> {
    try {
      await job.sweep({ signal, deadAmong: this.#options.deadAmong });
      this.#lastGoodMs.set(job, performance.now());
      return true;
    } catch (thrown) {
      this.#options.logger.warn("sweep failed", { job: job.name, error: errorText(thrown) });
      return false;
    }
  }

  /** Returns when the lock is lost or the signal is aborted. An error says neither: it tries again. */
  async #keepRenewing(job: SweepJob, lock: HeldLock, signal: AbortSignal): Promise<void> {
    const { lockTtlMs, logger } = this.#options;
    while (true) {
      await pause(lockTtlMs / 3, signal);
      if (signal.aborted) return;
      try {
        if (await lock.renew()) continue;
        logger.warn("sweep lock was lost", { job: job.name });
        return;
      } catch (thrown) {
        logger.warn("sweep lock not renewed", { job: job.name, error: errorText(thrown) });
      }
    }
  }

  /** Gives the locks back, within two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    if (this.#running) await settledWithin(this.#running, 2_000);
  }
}
