import type { Topics } from "../bus/topics.ts";
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";
import type { HeldLock, StateKey, StateStore } from "../state/state_store.ts";
import type { Digester } from "./digester.ts";
import type { Audience } from "./members.ts";
import type { NoteSaverOptions } from "./note_saver.ts";
import type { UserCosts } from "./user_costs.ts";
import type { NoteContent } from "./note_ports.ts";

/** What every open document of an instance shares. */
export interface DocumentParts {
  store: StateStore;
  topics: Topics;
  content: NoteContent;
  audience: Audience;
  compactionThreshold: number;
  maxDocumentBytes: number;
  /** What one document may take in memory, in bytes. */
  maxDocumentWeight: number;
  digester: Digester;
  costs: UserCosts;
  /** For how long a document's Yjs state outlives its last save. */
  retainMs: number;
  saving: Pick<NoteSaverOptions, "quietMs" | "maxWaitMs" | "maxRetryMs" | "maxRestMs">;
  logger: Logger;
}

export const DOCUMENT_DEFAULTS = {
  compactionThreshold: 500,
  maxDocumentBytes: 16 * 1024 * 1024,
  maxDocumentWeight: 64 * 1024 * 1024,
  retainMs: 7 * 24 * 3_600_000,
  saving: {},
};

const LOCK_TTL_MS = 30_000;
const LOCK_WAIT_MS = 10_000;

/** Takes the lock, waiting for its holder. @throws {AppError} `unavailable` after ten seconds. */
export async function acquireSoon(store: StateStore, key: StateKey): Promise<HeldLock> {
  const end = performance.now() + LOCK_WAIT_MS;
  for (let waitMs = 5; performance.now() < end; waitMs = backOff(waitMs, { maxMs: 250 })) {
    const lock = await store.acquire(key, { ttlMs: LOCK_TTL_MS });
    if (lock) return lock;
    await pause(waitMs * (0.5 + Math.random() / 2));
  }
  throw new AppError("unavailable", "The document is busy: try again.", { retryAfterMs: 1_000 });
}
