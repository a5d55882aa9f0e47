/** Lines from a stream of bytes, and lines into a store. */
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { keys } from "../state/key_space.ts";
import { migrate, SCHEMA_VERSION } from "../state/schema.ts";
import { MAX_VALUE_BYTES, type StateStore } from "../state/state_store.ts";
import { Importer } from "./import_store.ts";
import { type Line, LINE_VERSION, readLine } from "./lines.ts";

/** A record, and what JSON and its neighbours add to it. */
const MAX_LINE_CHARS = MAX_VALUE_BYTES + 1024 ** 2;
/** What is written at once. */
const BATCH_LINES = 200;
const BATCH_CHARS = 4 * 1024 ** 2;

/** A line, and where it stood. */
export interface NumberedLine {
  line: Line;
  number: number;
  /** What it weighs in memory, about. */
  chars: number;
}

export interface ImportCounts {
  /** Records that are new here. */
  added: number;
  /** Records that were here already, and stay as they are. */
  present: number;
}

/** The lines of a file, read as they are asked for. @throws {AppError} that names the line */
export async function* linesOf(bytes: ReadableStream<Uint8Array>): AsyncGenerator<NumberedLine> {
  let rest = "";
  let number = 0;
  const read = (text: string): NumberedLine => {
    number++;
    return { line: at(number, () => readLine(text)), number, chars: text.length };
  };
  for await (const piece of bytes.pipeThrough(new TextDecoderStream() as never)) {
    const parts = (rest + piece).split("\n");
    rest = parts.pop() ?? "";
    for (const text of parts) if (text.trim() !== "") yield read(text);
    if (rest.length > MAX_LINE_CHARS) {
      throw new AppError("too_large", `line ${number + 1}: is longer than any record`);
    }
  }
  if (rest.trim() !== "") yield read(rest);
}

export interface ImportOptions {
  logger: Logger;
  onProgress?(counts: ImportCounts): void;
  /** What has come into the store since the last call; a rejection ends the import. */
  onAdded?(lines: readonly Line[]): Promise<void>;
}

/**
 * Puts all lines into the store; may be done again, and goes on where it was cut short. Records in an
 * older form are brought into this version's at the end.
 *
 * @throws {AppError} `invalid_payload` for a line that is none, or a file without its end; `conflict`
 * for a file of a newer version, and a user whose address another has
 */
export async function importLines(
  store: StateStore,
  lines: AsyncIterable<NumberedLine>,
  { logger, onProgress, onAdded }: ImportOptions,
): Promise<ImportCounts> {
  await migrate(store, { logger });
  const importer = new Importer(store);
  const counts: ImportCounts = { added: 0, present: 0 };
  let batch: NumberedLine[] = [];
  let chars = 0;
  const flush = async () => {
    const all = batch;
    [batch, chars] = [[], 0];
    const added: Line[] = [];
    await Promise.all(all.map(async ({ line, number }) => {
      const isNew = await at(number, () => importer.put(line));
      counts[isNew ? "added" : "present"]++;
      if (isNew) added.push(line);
    }));
    await onAdded?.(added);
    onProgress?.(counts);
  };
  let schema: number | undefined;
  let isWhole = false;
  for await (const numbered of lines) {
    const { line } = numbered;
    if (schema === undefined) schema = schemaIn(line);
    else if (line.type === "end") isWhole = true;
    else {
      // Two that claim one address at once: the second has to meet the first.
      if (line.type === "user" && batch.some((one) => isSameAddress(one.line, line))) await flush();
      batch.push(numbered);
      chars += numbered.chars;
      if (batch.length >= BATCH_LINES || chars >= BATCH_CHARS) await flush();
    }
  }
  await flush();
  if (!isWhole) {
    throw new AppError(
      "invalid_payload",
      "the file ends before its end: it was cut short. What it holds has been imported; import a " +
        "whole export over it",
    );
  }
  if (schema !== undefined && schema < SCHEMA_VERSION) await migrateFrom(store, schema, logger);
  return counts;
}

/** The migrations do nothing to what has the new form already. */
async function migrateFrom(store: StateStore, version: number, logger: Logger): Promise<void> {
  await store.values.update(keys.schema, (now) => now && { ...now, version });
  await migrate(store, { logger });
}

function schemaIn({ type, record }: Line): number {
  if (type !== "header") {
    throw new AppError(
      "invalid_payload",
      `line 1: is no header: this is no export (lines of version ${LINE_VERSION}) of webui-realtime`,
    );
  }
  if (record.schema <= SCHEMA_VERSION) return record.schema;
  throw new AppError(
    "conflict",
    `the export is of a newer version: its records have the form ${record.schema} (webui-realtime ` +
      `${record.written_by}), and this version knows up to ${SCHEMA_VERSION}`,
  );
}

function isSameAddress(one: Line, other: Line): boolean {
  return one.type === "user" && other.type === "user" && one.record.email === other.record.email;
}

/** What goes wrong with a line names it. */
function at<T>(number: number, run: () => T): T {
  const named = (thrown: unknown) =>
    thrown instanceof AppError
      ? new AppError(thrown.code, `line ${number}: ${thrown.message}`, { cause: thrown.cause })
      : thrown;
  try {
    const result = run();
    if (!(result instanceof Promise)) return result;
    return result.catch((thrown) => Promise.reject(named(thrown))) as T;
  } catch (thrown) {
    throw named(thrown);
  }
}
