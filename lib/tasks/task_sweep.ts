import { yieldToEvents } from "../common/pause.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";
import { TaskRecords } from "./task_records.ts";

export interface TaskSweepOptions {
  store: StateStore;
  /** Default: 30,000. */
  everyMs?: number;
}

/** Takes away the tasks of dead instances, and stops of tasks that are gone (docs/protocol.md, section 8). */
export function taskSweepJob({ store, everyMs = 30_000 }: TaskSweepOptions): SweepJob {
  const records = new TaskRecords(store);
  return {
    name: "tasks",
    lock: keys.taskCleanupLock,
    everyMs,
    async sweep({ signal, deadAmong }) {
      for await (const page of records.owners.scan({ pageSize: 200 })) {
        const dead = await deadAmong(page.map(([, owner]) => owner.instance_id));
        for (const [taskId, owner] of page) {
          if (signal.aborted) return;
          if (dead.has(owner.instance_id)) await records.delete(taskId, owner.item_id);
        }
        await yieldToEvents();
      }
      for await (const page of records.stops.scan({ pageSize: 200 })) {
        if (signal.aborted) return;
        const owners = await records.owners.getMany(page.map(([taskId]) => taskId));
        const over = page.filter((_, i) => owners[i] === undefined).map(([taskId]) => taskId);
        if (over.length > 0) await records.stops.delete(...over);
        await yieldToEvents();
      }
    },
  };
}
