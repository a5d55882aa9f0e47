import { type Clock, systemClock } from "../common/clock.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import { keys } from "../state/key_space.ts";
import type { ChannelStore } from "./channel_store.ts";

export interface DeletionSweepOptions {
  channels: Pick<ChannelStore, "deletions" | "finishDeletion">;
  /** Whoever may enter the channel has changed: told to all instances. */
  accessChanged(channelId: string): Promise<void>;
  logger: Logger;
  clock?: Clock;
  /** Between two sweeps, in milliseconds. Default: a minute. */
  everyMs?: number;
  /** For how long requests that had begun before a deletion may go on. Default: a minute. */
  graceMs?: number;
}

/**
 * Completes the deletions of channels: those whose instance died in the middle, and of the others
 * what somebody said while they were deleted.
 */
export function deletionSweepJob({
  channels,
  accessChanged,
  logger,
  clock = systemClock,
  everyMs = 60_000,
  graceMs = 60_000,
}: DeletionSweepOptions): SweepJob {
  return {
    name: "deleted channels",
    lock: keys.deletedChannelsLock,
    everyMs,
    async sweep({ signal }) {
      for await (const page of channels.deletions()) {
        for (const deletion of page) {
          if (signal.aborted) return;
          if (clock.nowMs() < deletion.at + graceMs) continue;
          try {
            await channels.finishDeletion(deletion);
            await accessChanged(deletion.channel.id);
          } catch (thrown) {
            const channel = deletion.channel.id;
            logger.warn("a channel is not deleted yet", { channel, error: errorText(thrown) });
          }
        }
      }
    },
  };
}
