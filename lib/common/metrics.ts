import client from "prom-client";

/** What a component's `stats()` gives: the names it counts, and how many. */
export type Reading = Readonly<Record<string, number>>;

export interface Counting {
  /** Counts one. A label beyond the first 200 is counted as `other`, so that no client can grow the set. */
  count(label: string): void;
}

const MAX_LABELS = 200;
/** From a hundredth of a millisecond to five seconds. */
const DURATION_BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** The metrics of one app instance, in Prometheus' terms; nothing is global. */
export class Metrics {
  readonly #registry = new client.Registry();
  readonly contentType = this.#registry.contentType;

  /** Reads a value at the time of a scrape, so that it costs nothing in between. */
  gauge(name: string, help: string, read: () => number): void {
    new client.Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Like {@linkcode gauge}, for all that a component's `stats()` gives: one series a name, label `what`. */
  readings(name: string, help: string, read: () => Reading | Promise<Reading>): void {
    new client.Gauge({
      name,
      help,
      labelNames: ["what"],
      registers: [this.#registry],
      async collect() {
        const readings = await read();
        this.reset();
        for (const [what, value] of Object.entries(readings)) this.set({ what }, value);
      },
    });
  }

  /** A counter by one label, such as refusals by code or events by name. */
  counter(name: string, help: string, labelName: string): Counting {
    const counter = new client.Counter({
      name,
      help,
      labelNames: [labelName],
      registers: [this.#registry],
    });
    const known = new Set<string>();
    return {
      count(label) {
        if (!known.has(label) && known.size < MAX_LABELS) known.add(label);
        counter.inc({ [labelName]: known.has(label) ? label : "other" });
      },
    };
  }

  /** Durations, given in milliseconds and exposed in seconds; the name ends in `_seconds`. */
  durations(name: string, help: string): (durationMs: number) => void {
    const histogram = new client.Histogram({
      name,
      help,
      buckets: DURATION_BUCKETS,
      registers: [this.#registry],
    });
    return (durationMs) => histogram.observe(durationMs / 1_000);
  }

  /** Prometheus' text. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
