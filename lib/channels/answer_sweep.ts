import type { SweepJob } from "../common/sweep_job.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";
import type { Conversation } from "./conversation.ts";

/** An answer of a model that is being written; its field is the message's id. */
export interface RunningAnswer {
  channel_id: string;
  user_id: string;
  instance_id: string;
  /** By which it is stopped; not there before it runs. */
  task_id?: string | undefined;
}

export interface AnswerSweepOptions {
  store: StateStore;
  conversation: Pick<Conversation, "interrupt">;
  /** Between two sweeps, in milliseconds. */
  everyMs: number;
}

/** Ends the answers in channels whose instance has died: they keep what was stored, and say so. */
export function answerSweepJob({ store, conversation, everyMs }: AnswerSweepOptions): SweepJob {
  return {
    name: "channel answers",
    lock: keys.channelCleanupLock,
    everyMs,
    async sweep({ signal, deadAmong }) {
      const answers = store.dictionary<RunningAnswer>(keys.channelAnswers);
      for await (const page of answers.scan({ pageSize: 200 })) {
        if (signal.aborted) return;
        const dead = await deadAmong(new Set(page.map(([, { instance_id }]) => instance_id)));
        for (const [messageId, { channel_id, user_id, instance_id }] of page) {
          if (signal.aborted) return;
          if (!dead.has(instance_id)) continue;
          await conversation.interrupt(channel_id, user_id, messageId);
          await answers.delete(messageId);
        }
      }
    },
  };
}
