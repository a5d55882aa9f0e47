import { type Clock, systemClock } from "../common/clock.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import { keys, unchecked } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

export interface DeletedUsersSweepOptions {
  store: StateStore;
  /** Deletes what was the user's alone until the signal is aborted; says whether nothing is left. */
  deleteDataOf(userId: string, signal: AbortSignal): Promise<boolean>;
  /** In milliseconds. Default: 30,000. */
  everyMs?: number;
  /** Default: the system's. */
  clock?: Clock;
}

/** Within this time a request that began before the deletion may still leave something. */
const SETTLE_MS = 60_000;

/**
 * Deletes what deleted users leave behind: in the background, one user after another, and again from
 * where it was cut short. A user who is there after all, because the deletion failed, keeps all.
 */
export function deletedUsersSweepJob(
  { store, deleteDataOf, everyMs = 30_000, clock = systemClock }: DeletedUsersSweepOptions,
): SweepJob {
  const deleted = store.dictionary(keys.deletedUsers);
  return {
    name: "deleted users",
    lock: keys.deletedUsersCleanupLock,
    everyMs,
    async sweep({ signal }) {
      for await (const page of deleted.scan()) {
        for (const [userId, deletedAtMs] of page) {
          if (signal.aborted) return;
          const isBack = await store.values.get(unchecked(keys.user(userId))) !== undefined;
          const isDone = isBack || await deleteDataOf(userId, signal);
          if (isDone && clock.nowMs() - deletedAtMs > SETTLE_MS) await deleted.delete(userId);
        }
      }
    },
  };
}
