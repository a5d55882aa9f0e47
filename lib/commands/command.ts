/** What the commands of an operator share: arguments, help, and errors that say what to do. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { AppError, errorText } from "../common/errors.ts";
import { createLogger, type Logger } from "../common/logger.ts";
import { type Config, ConfigError, loadConfig } from "../config.ts";
import { isKvFile } from "../state/granted_paths.ts";

const encoder = new TextEncoder();

/** Says something to the person at the terminal; what a command gives goes to standard output. */
export function tell(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}

/** Warnings and worse, for people. */
export const commandLogger: Logger = createLogger({ level: "warn", format: "text" });

export interface Command<O extends ParseArgsOptionsConfig> {
  /** Printed on `--help`, and behind a wrong argument. */
  usage: string;
  options?: O;
  /** How many arguments it takes beside options. */
  arguments: { least: number; most: number };
  run(
    names: string[],
    options: ReturnType<typeof parseArgs<{ options: O }>>["values"],
  ): Promise<void>;
}

/** A command that was called in a way that it does not know. */
class UsageError extends Error {}

/** Runs the command and ends the process: 0, 1 when it failed, 2 for wrong arguments. */
export async function runCommand<O extends ParseArgsOptionsConfig>(
  command: Command<O>,
): Promise<never> {
  const { usage, arguments: { least, most } } = command;
  if (Deno.args.some((arg) => arg === "--help" || arg === "-h")) {
    Deno.stdout.writeSync(encoder.encode(`${usage.trim()}\n`));
    Deno.exit(0);
  }
  try {
    const { names, values } = read(command);
    if (names.length < least || names.length > most) {
      throw new UsageError(names.length < least ? "an argument is missing" : "too many arguments");
    }
    await command.run(names, values);
    Deno.exit(0);
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      tell(`${thrown.message}\n\n${usage.trim()}`);
      Deno.exit(2);
    }
    // What nobody foresaw is told whole; the rest says what to do.
    const isForeseen = thrown instanceof AppError || thrown instanceof ConfigError;
    const text = thrown instanceof AppError ? `failed: ${errorText(thrown)}` : errorText(thrown);
    tell(isForeseen || !(thrown instanceof Error) ? text : thrown.stack ?? text);
    Deno.exit(1);
  }
}

function read<O extends ParseArgsOptionsConfig>({ options }: Command<O>) {
  try {
    const { positionals, values } = parseArgs({
      ...{ args: Deno.args, allowPositionals: true, strict: true },
      options: options ?? {} as O,
    });
    return { names: positionals, values: values as Parameters<Command<O>["run"]>[1] };
  } catch (thrown) {
    throw new UsageError(errorText(thrown));
  }
}

/** The configuration that a server started here would have. */
export const configOfServer = (): Config => loadConfig((name) => Deno.env.get(name));

/** The file of the store, for what works on files only. @throws {AppError} when it is in none */
export function kvFileOrRefuse(what: string): { path: string; keyPrefix: string } {
  if (Deno.env.get("WEBSOCKET_MANAGER") === "redis") {
    throw new AppError(
      "invalid_payload",
      `${what} is for a store in a file; this one is in Redis (WEBSOCKET_MANAGER=redis). ` +
        "How Redis is backed up: docs/operating.md. `deno task export` works with both.",
    );
  }
  const { kvPath: path, redisKeyPrefix: keyPrefix } = configOfServer();
  if (isKvFile(path)) return { path, keyPrefix };
  throw new AppError(
    "invalid_payload",
    `${what} is for a store in a file; DENO_KV_PATH names none. \`deno task export\` works with all.`,
  );
}

/** Bytes as people say them. */
export function sizeOf(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
