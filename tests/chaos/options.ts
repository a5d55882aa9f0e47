/** The command line: `deno task chaos [--minutes=N] [--only=name,…] [--seed=N] [--report=file]`. */
export interface Options {
  /** How long faults go on; each fault is done at least once. Default: 4. */
  minutes: number;
  /** The faults to do; all when empty. */
  only: readonly string[];
  seed: number;
  /** A Markdown file that gets the result between its markers. */
  report: string | undefined;
}

/** Throws a `RangeError` that names what is wrong and what is allowed. */
export function parseOptions(args: readonly string[], faults: readonly string[]): Options {
  const options: Options = {
    minutes: 4,
    only: [],
    seed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 1,
    report: undefined,
  };
  for (const arg of args) {
    const [name = "", value = ""] = arg.split("=", 2);
    if (name === "--minutes") options.minutes = number(arg, value, 60);
    else if (name === "--seed") options.seed = number(arg, value, 2 ** 32);
    else if (name === "--report" && value !== "") options.report = value;
    else if (name === "--only") options.only = value.split(",");
    else throw new RangeError(`Unknown: "${arg}"; known: --minutes, --only, --seed, --report`);
  }
  for (const name of options.only) {
    if (faults.includes(name)) continue;
    throw new RangeError(`Cannot do "${name}": choose from ${faults.join(", ")}`);
  }
  return options;
}

function number(arg: string, value: string, most: number): number {
  const parsed = Number(value);
  if (value !== "" && parsed >= 0 && parsed <= most) return parsed;
  throw new RangeError(`"${arg}": a number from 0 to ${most}`);
}

/** The same numbers from the same seed (mulberry32), each in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
