/** How late the event loop was, in milliseconds, since the last reading. */
export interface EventLoopLag {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface EventLoopMonitorOptions {
  /** Time between two looks. Default: 20. */
  intervalMs?: number;
  /** Told of each look's lag, for a histogram. */
  onLag?: (lagMs: number) => void;
}

/** The last minute at the default interval; older looks are overwritten. */
const MAX_SAMPLES = 3_000;

/** Measures how late one timer fires: what every socket waits at least. It never keeps the process alive. */
export class EventLoopMonitor implements Disposable {
  readonly #samples = new Float64Array(MAX_SAMPLES);
  readonly #timer: ReturnType<typeof setInterval>;
  #seen = 0;

  constructor({ intervalMs = 20, onLag }: EventLoopMonitorOptions = {}) {
    let last = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      const lagMs = Math.max(0, now - last - intervalMs);
      last = now;
      this.#samples[this.#seen++ % MAX_SAMPLES] = lagMs;
      onLag?.(lagMs);
    }, intervalMs);
    this.#timer.unref();
  }

  /** The lag since the last call, which begins a new span. All 0 when nothing was seen. */
  take(): EventLoopLag {
    const sorted = this.#samples.slice(0, Math.min(this.#seen, MAX_SAMPLES)).sort();
    this.#seen = 0;
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
