import process from "node:process";

/**
 * What has been spent of this thread's processor since it was made, as far as that can be told from
 * what others spend: a busy machine is nobody's fault.
 */
export class SpentTime {
  readonly #beganMs = performance.now();
  readonly #began = process.threadCpuUsage();

  get ms(): number {
    const { user, system } = process.threadCpuUsage(this.#began);
    return Math.min(performance.now() - this.#beganMs, (user + system) / 1_000);
  }
}

/** Milliseconds that the work took. */
export function spentMs(work: () => void): number {
  const time = new SpentTime();
  work();
  return time.ms;
}
