import { RepeatedLines } from "./repeated_lines.ts";

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
  /**
   * A warning or error that says the same again within so many milliseconds is counted, and the
   * count told with the next line of its kind. Default: 0, every line is written.
   */
  repeatMs?: number;
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
  return oneLine([time, level.toUpperCase().padEnd(5), message, ...rest].join(" "));
}

/** What comes from outside must not begin a line of its own, or move a terminal's cursor. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function asJson(level: LogLevel, message: string, fields: LogFields): string {
  const line: LogFields = { time: new Date().toISOString(), level, message };
  for (const [key, value] of Object.entries(fields)) line[key] = plain(value);
  return JSON.stringify(line);
}

/** Makes a logger that writes one line an event. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = "info", format = "json", repeatMs = 0, write = writeToStderr } = options;
  const repeats = repeatMs > 0 ? new RepeatedLines(repeatMs) : undefined;
  const lowest = LOG_LEVELS.indexOf(level);
  const render = format === "json" ? asJson : asText;

  const make = (bound: LogFields): Logger => {
    const at = (lineLevel: LogLevel) => (message: string, fields?: LogFields) => {
      if (LOG_LEVELS.indexOf(lineLevel) < lowest) return;
      const all = { ...bound, ...fields };
      const isCounted = lineLevel === "warn" || lineLevel === "error";
      const turn = isCounted ? repeats?.take(`${lineLevel} ${message} ${all.error}`) : undefined;
      if (turn?.isRepeated) return;
      write(render(lineLevel, message, turn?.count ? { ...all, repeated: turn.count } : all));
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
