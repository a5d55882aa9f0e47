import { answerSweepJob } from "../channels/answer_sweep.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import { sweepInterrupted } from "../completions/interrupted_sweep.ts";
import type { Sweeper } from "../sessions/sweeper.ts";
import { keys } from "../state/key_space.ts";
import { taskSweepJob } from "../tasks/task_sweep.ts";
import { deletedUsersSweepJob } from "../users/deleted_users_sweep.ts";
import type { Foundation } from "./foundation.ts";
import type { Services } from "./services.ts";
import type { Sockets } from "./sockets.ts";
import { openSweeper } from "./sweeper.ts";

/** Everything that a dead instance may leave behind has its job here. */
export function createSweeper(
  foundation: Foundation,
  services: Services,
  { documents, channels, toUser: emit }: Sockets,
): Sweeper {
  const { config, store, logger } = foundation;
  const { registry, answers, chats, activity, quotas } = services;
  const everyMs = config.sessionTimeoutMs / 8;
  const interrupted: SweepJob = {
    name: "streams",
    lock: keys.streamCleanupLock,
    everyMs,
    async sweep() {
      const ended = await sweepInterrupted({
        store,
        messages: answers,
        emit,
        isAlive: (instanceId) => registry.isAlive(instanceId),
        logger,
      });
      if (ended > 0) logger.info("interrupted answers ended", { ended });
    },
  };
  return openSweeper(foundation, services, {
    documents,
    jobs: [
      taskSweepJob({ store, everyMs: config.sessionTimeoutMs / 4 }),
      interrupted,
      deletedUsersSweepJob({
        store,
        everyMs,
        async deleteDataOf(userId, signal) {
          await Promise.all([activity.forget(userId), quotas.forget(userId)]);
          return await chats.deleteAll(userId, signal);
        },
      }),
      chats.trash.sweepJob(everyMs),
      answerSweepJob({ store, conversation: channels.conversation, everyMs }),
      channels.deletionSweep,
    ],
  });
}
