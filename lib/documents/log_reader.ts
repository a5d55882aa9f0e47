import type { Logger } from "../common/logger.ts";
import type { UpdateLog } from "../state/state_store.ts";
import type { Digester } from "./digester.ts";
import { isLittle } from "./update_guard.ts";
import type { WeighedDoc } from "./weighed_doc.ts";
import { applyAll, applyPieces } from "./yjs_state.ts";

export interface LogReaderOptions {
  log: UpdateLog;
  digester: Digester;
  logger: Logger;
  /** The document's, for the logger. */
  key: string;
  /** Of the transactions. */
  origin: unknown;
}

/** Applies what a log holds, without what is harmful, which is taken out of it; returns what is left. */
export async function takeLog(
  doc: WeighedDoc,
  updates: Uint8Array[],
  { log, digester, logger, key, origin }: LogReaderOptions,
): Promise<{ entries: Uint8Array[]; bytes: number }> {
  if (isLittle(updates)) {
    await applyAll(doc, updates, origin);
    return { entries: updates, bytes: updates.reduce((sum, { length }) => sum + length, 0) };
  }
  const digest = await digester.log(updates);
  await applyPieces(doc, digest, origin);
  const { state, refused } = digest;
  if (refused.length === 0) return { entries: updates, bytes: state.length };
  logger.warn("harmful updates taken out of a log", { key, count: refused.length });
  await log.compact(updates.length, () => state);
  return { entries: [state], bytes: state.length };
}
