import { answerSweepJob } from "../channels/answer_sweep.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import { sweepInterrupted } from "../completions/interrupted_sweep.ts";
import { sessionSweepJob } from "../sessions/session_sweep.ts";
import { Sweeper } from "../sessions/sweeper.ts";
import { keys } from "../state/key_space.ts";
import { taskSweepJob } from "../tasks/task_sweep.ts";
import { deletedUsersSweepJob } from "../users/deleted_users_sweep.ts";
import type { Foundation } from "./foundation.ts";
import type { Services } from "./services.ts";
import type { Sockets } from "./sockets.ts";

/** Everything that a dead instance may leave behind has its job here. */
export function createSweeper(
  { config, store, logger, stack }: Foundation,
  { registry, usage, answers, chats, activity, quotas }: Services,
  { documents, channels, toUser: emit }: Sockets,
): Sweeper {
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
  const sweeper = new Sweeper({
    store,
    logger,
    lockTtlMs: Math.min(config.lockTimeoutMs, config.sessionTimeoutMs / 4),
    deadAmong: (ids) => registry.deadAmong(ids),
    jobs: [
      sessionSweepJob({
        store,
        logger,
        timeoutMs: config.sessionTimeoutMs,
        everyMs: config.sessionTimeoutMs / 4,
        settleMs: config.sessionTimeoutMs / 4,
        stableForMs: () => registry.stableForMs(),
        onSessionReaped: [(sid, session) => documents.onSessionReaped(sid, session)],
      }),
      usage.sweepJob(),
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
      documents.sweepJob(),
      answerSweepJob({ store, conversation: channels.conversation, everyMs }),
      channels.deletionSweep,
    ],
  });
  return stack.use(sweeper);
}
