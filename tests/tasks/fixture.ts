import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { hubOf, onBus } from "../support/faulty_bus.ts";
import { TaskRegistry, type TaskRegistryOptions } from "../../lib/tasks/task_registry.ts";

export const me = { userId: "u1", admin: false };
export const subject = { itemId: "c1", userId: "u1", kind: "completion" };

/** An instance that listens for stops, on the bus of all that share its store. */
export function startInstance(
  store: StateStore,
  instanceId: string,
  options: Partial<TaskRegistryOptions> = {},
): TaskRegistry {
  const { commands } = onBus(hubOf(store).connect());
  const more = { pollMs: 20, commands, ...options };
  const registry = new TaskRegistry({ store, instanceId, logger, ...more });
  registry.start();
  return registry;
}

/** How many records of tasks the store holds, of the subject's item and of all. */
export async function countRecords(store: StateStore): Promise<number> {
  let count = (await store.memberSet(keys.itemTasks(subject.itemId)).members()).length;
  for (const key of [keys.tasks, keys.taskOwners, keys.taskStops]) {
    for await (const page of store.dictionary<unknown>(key).scan()) count += page.length;
  }
  return count;
}
