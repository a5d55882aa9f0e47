export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** What a log line carries beside its message. Never a token, a password or a key. */
export type LogFields = Record<string, unknown>;

/** A structured logger: one line an event, fields beside the message. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Whether lines of this level are written: ask before building costly fields. */
  enabled(level: LogLevel): boolean;
  /** A logger whose every line carries these fields too. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** The lowest level that is written. Default: `info`. */
  level?: LogLevel;
  /** `json` for machines, `text` for people. Default: `json`. */
  format?: "json" | "text";
  /** Where a finished line goes. Default: standard error. */
  write?: (line: string) => void;
}

const encoder = new TextEncoder();

function writeToStderr(line: string): void {
  Deno.stderr.writeSync(encoder.encode(line + "\n"));
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, cause: plain(value.cause) };
}

function asText(level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date().toISOString().slice(11, 23);
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const shown = plain(value);
      return `${key}=${typeof shown === "string" ? shown : JSON.stringify(shown)}`;
    });
  return [time, level.toUpperCase().padEnd(5), message, ...rest].join(" ");
}

function asJson(level: LogLevel, message: string, fields: LogFields): string {
  const line: LogFields = { time: new Date().toISOString(), level, message };
  for (const [key, value] of Object.entries(fields)) line[key] = plain(value);
  return JSON.stringify(line);
}

/** Makes a logger that writes one line an event. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = "info", format = "json", write = writeToStderr } = options;
  const lowest = LOG_LEVELS.indexOf(level);
  const render = format === "json" ? asJson : asText;

  const make = (bound: LogFields): Logger => {
    const at = (lineLevel: LogLevel) => (message: string, fields?: LogFields) => {
      if (LOG_LEVELS.indexOf(lineLevel) < lowest) return;
      write(render(lineLevel, message, { ...bound, ...fields }));
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      enabled: (wanted) => LOG_LEVELS.indexOf(wanted) >= lowest,
      with: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

/** A logger that writes nothing. */
export const silentLogger: Logger = createLogger({ level: "error", write: () => {} });
