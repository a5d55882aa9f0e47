/** A store with something of everything, as people make it. */
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { exportStore } from "../../lib/transfer/export_store.ts";
import { type Line, readLine, writeLine } from "../../lib/transfer/lines.ts";
import { importLines, type NumberedLine } from "../../lib/transfer/transfer.ts";

export const openMemory = () => openKvStore({ path: ":memory:", keyPrefix: "open-webui", logger });

export async function linesIn(store: StateStore): Promise<Line[]> {
  return await Array.fromAsync(exportStore(store));
}

/** As a file holds them, but for their order, which is the store's own. */
export const sorted = (lines: readonly Line[]) => lines.map(writeLine).sort();

export async function* numbered(lines: readonly Line[]): AsyncGenerator<NumberedLine> {
  for (const [at, line] of lines.entries()) {
    const text = writeLine(line);
    yield { line: readLine(text), number: at + 1, chars: text.length };
    await Promise.resolve();
  }
}

export const importInto = (store: StateStore, lines: readonly Line[]) =>
  importLines(store, numbered(lines), { logger });
