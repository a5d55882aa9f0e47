import process from "node:process";

/** To ask the kernel takes 20 µs: not for less than this, nor again within so short a time. */
const UNASKED_MS = 2;
const RECENT_MS = 20;

let last = { atMs: -Infinity, ms: 0 };

/** What this thread has spent of its processor at some moment of the last {@linkcode RECENT_MS}. */
function recentMs(): number {
  return performance.now() - last.atMs < RECENT_MS ? last.ms : nowMs();
}

function nowMs(): number {
  const { user, system } = process.threadCpuUsage();
  last = { atMs: performance.now(), ms: (user + system) / 1_000 };
  return last.ms;
}

/**
 * What has been spent of this thread's processor since it was made, as far as that can be told from
 * what others spend: a busy machine is nobody's fault. Up to 2 ms it is the time that has passed;
 * beyond, up to 20 ms too much.
 */
export class SpentTime {
  readonly #beganMs = performance.now();
  readonly #before = recentMs();

  get ms(): number {
    const passedMs = performance.now() - this.#beganMs;
    return passedMs < UNASKED_MS ? passedMs : Math.min(passedMs, nowMs() - this.#before);
  }
}

/** Milliseconds that the work took. */
export function spentMs(work: () => void): number {
  const time = new SpentTime();
  work();
  return time.ms;
}
