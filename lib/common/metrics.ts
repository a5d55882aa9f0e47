/** What a component's `stats()` gives: the names it counts, and how many. */
export type Reading = Readonly<Record<string, number>>;

interface Metric {
  name: string;
  help: string;
  type: "gauge" | "counter" | "histogram";
  /** The lines of its samples, asked for at a scrape. */
  samples(): string[] | Promise<string[]>;
}

/** From a tenth of a millisecond to five seconds, in seconds. */
const DURATION_BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** How often something took how long. */
export class Durations {
  readonly #counts = DURATION_BUCKETS.map(() => 0);
  /** The sum of all, in milliseconds. */
  sumMs = 0;
  count = 0;

  add(durationMs: number): void {
    const at = DURATION_BUCKETS.findIndex((bound) => durationMs <= bound * 1_000);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.sumMs += durationMs;
    this.count++;
  }

  /** The lines of a histogram, in seconds. */
  samples(name: string): string[] {
    let below = 0;
    const buckets = DURATION_BUCKETS.map((bound, at) => {
      below += this.#counts[at] ?? 0;
      return `${name}_bucket{le="${bound}"} ${below}`;
    });
    return [
      ...buckets,
      `${name}_bucket{le="+Inf"} ${this.count}`,
      `${name}_sum ${this.sumMs / 1_000}`,
      `${name}_count ${this.count}`,
    ];
  }
}

/**
 * The metrics of one app instance, in Prometheus' text format (0.0.4); nothing is global.
 *
 * Components count for themselves and are read at a scrape: a metric costs nothing in between.
 */
export class Metrics {
  readonly #metrics: Metric[] = [];
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";

  /** One value that goes up and down. */
  gauge(name: string, help: string, read: () => number): void {
    this.#metrics.push({ name, help, type: "gauge", samples: () => [`${name} ${read()}`] });
  }

  /** Several values that go up and down, one series a name, told apart by the label `what`. */
  gauges(name: string, help: string, read: () => Reading | Promise<Reading>): void {
    this.#labelled({ name, help, type: "gauge" }, "what", read);
  }

  /** Counts since the start, one series a label; the name ends in `_total`. */
  counts(
    name: string,
    help: string,
    label: string,
    read: () => Reading | Promise<Reading>,
  ): void {
    this.#labelled({ name, help, type: "counter" }, label, read);
  }

  /** Durations, given in milliseconds and exposed in seconds; the name ends in `_seconds`. */
  durations(name: string, help: string): Durations {
    const durations = new Durations();
    const samples = () => durations.samples(name);
    this.#metrics.push({ name, help, type: "histogram", samples });
    return durations;
  }

  /** Prometheus' text. */
  async text(): Promise<string> {
    const blocks = await Promise.all(this.#metrics.map(async ({ name, help, type, samples }) => [
      `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
      `# TYPE ${name} ${type}`,
      ...await samples(),
    ]));
    return blocks.flat().map((line) => line + "\n").join("");
  }

  #labelled(
    metric: Omit<Metric, "samples">,
    label: string,
    read: () => Reading | Promise<Reading>,
  ): void {
    const samples = async () =>
      Object.entries(await read()).map(([value, number]) =>
        `${metric.name}{${label}="${escaped(value)}"} ${number}`
      );
    this.#metrics.push({ ...metric, samples });
  }
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
