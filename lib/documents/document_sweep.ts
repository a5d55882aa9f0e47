import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

export interface DocumentSweepOptions {
  store: StateStore;
  userIds(sids: string[]): Promise<string[]>;
  logger: Logger;
}

/**
 * Closes documents whose last editor went without anybody closing them: an instance was killed
 * between the two, or ended while the note could not be saved. A document is taken for abandoned
 * when two sweeps in a row find no session behind it, because a new one shows in the pool a moment late.
 */
export function documentSweep(
  { store, userIds, logger }: DocumentSweepOptions,
  close: (key: string) => Promise<void>,
  everyMs = 60_000,
): SweepJob {
  const open = store.dictionary<number>(keys.openDocuments);
  let suspects = new Set<string>();

  async function isAbandoned(key: string): Promise<boolean> {
    const users = store.memberSet(keys.documentUsers(key));
    const sids = await users.members();
    if (sids.length > 0 && (await userIds(sids)).length > 0) return false;
    if (!suspects.has(key)) return true;
    if (sids.length > 0) await users.remove(...sids);
    for (const sid of sids) await store.memberSet(keys.sessionDocuments(sid)).remove(key);
    await close(key);
    return false;
  }

  return {
    name: "documents",
    lock: keys.documentCleanupLock,
    everyMs,
    async sweep({ signal }) {
      const found = new Set<string>();
      for await (const page of open.scan({ pageSize: 200 })) {
        for (const [key] of page) {
          if (signal.aborted) return;
          try {
            if (await isAbandoned(key)) found.add(key);
          } catch (thrown) {
            logger.warn("document not closed", { document: key, error: errorText(thrown) });
          }
        }
      }
      suspects = found;
    },
  };
}
