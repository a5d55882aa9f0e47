/**
 * What each file's tests took, from the output of `deno test --parallel` without colours: each line of a test
 * begins with its file, or, where there is a single file, that stands above them. Steps are part of their test.
 */
export class FileTimes {
  readonly #msOf = new Map<string, number>();
  #current: string | undefined;
  #line = "";

  read(chunk: string): void {
    const lines = (this.#line + chunk).split("\n");
    this.#line = (lines.pop() ?? "").slice(-10_000);
    for (const line of lines) {
      this.#current = /^running \d+ tests? from \.\/(\S+)/.exec(line)?.[1] ?? this.#current;
      const [, named, test, time] =
        /^(?:\.\/(tests\/\S+) => )?(.*) \.\.\. (?:ok|FAILED)\b.* \((\S+)\)$/.exec(line) ?? [];
      const file = named ?? this.#current;
      if (file === undefined || test === undefined || time === undefined) continue;
      // A step's line names its test before it, or is indented below it.
      if (test.includes(" ... ") || test.startsWith(" ")) continue;
      this.#msOf.set(file, (this.#msOf.get(file) ?? 0) + msOf(time));
    }
  }

  /** The files that took longest, longest first. */
  slowest(count: number): { file: string; ms: number }[] {
    return [...this.#msOf].map(([file, ms]) => ({ file, ms }))
      .sort((a, b) => b.ms - a.ms).slice(0, count);
  }
}

const UNITS: Record<string, number> = { m: 60_000, s: 1_000, ms: 1, µs: 0.001, ns: 0.000001 };

/** A time as Deno writes it (`1m46s`, `59s`, `123ms`), in milliseconds. */
function msOf(time: string): number {
  return [...time.matchAll(/(\d+)(ms|µs|ns|m|s)/g)]
    .reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
}

/** The table that closes a run: how long it took, and where the time went. */
export function timeTable(totalMs: number, slowest: readonly { file: string; ms: number }[]) {
  const seconds = (ms: number) => (ms / 1_000).toFixed(1).padStart(6);
  return [
    `In ${Math.floor(totalMs / 60_000)} min ${
      Math.round(totalMs % 60_000 / 1_000)
    } s; the slowest files:`,
    ...slowest.map(({ file, ms }) => `${seconds(ms)} s  ${file}`),
  ];
}
