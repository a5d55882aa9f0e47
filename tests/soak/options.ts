/** The command line of `deno task soak` and `deno task storm`. */
export interface Options {
  /** How long the load goes on. Default: 60. */
  minutes: number;
  sockets: number;
  editors: number;
  /** Of each editor. More of them make notes as old as they get in many hours. */
  editsPerMinute: number;
  streamsPerMinute: number;
  /** Sockets that leave, and come back, each second. */
  comingsPerSecond: number;
  /** A Markdown file that gets the result between its markers. */
  report: string | undefined;
}

const NUMBERS = {
  "--minutes": ["minutes", 24 * 60],
  "--sockets": ["sockets", 20_000],
  "--editors": ["editors", 1_000],
  "--edits-per-minute": ["editsPerMinute", 6_000],
  "--streams-per-minute": ["streamsPerMinute", 10_000],
  "--comings-per-second": ["comingsPerSecond", 1_000],
} as const;

/** Throws a `RangeError` that names what is wrong and what is allowed. */
export function parseOptions(args: readonly string[]): Options {
  const options: Options = {
    ...{ minutes: 60, sockets: 5_000, editors: 50, editsPerMinute: 60 },
    ...{ streamsPerMinute: 100, comingsPerSecond: 10 },
    report: undefined,
  };
  for (const arg of args) {
    const [name = "", value = ""] = arg.split("=", 2);
    if (name === "--report" && value !== "") options.report = value;
    else if (Object.hasOwn(NUMBERS, name)) {
      const [key, most] = NUMBERS[name as keyof typeof NUMBERS];
      const parsed = Number(value);
      if (value === "" || !(parsed >= 0 && parsed <= most)) {
        throw new RangeError(`"${arg}": a number from 0 to ${most}`);
      }
      options[key] = parsed;
    } else {
      const known = [...Object.keys(NUMBERS), "--report"].join(", ");
      throw new RangeError(`Unknown: "${arg}"; known: ${known}`);
    }
  }
  return options;
}
