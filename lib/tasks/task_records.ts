import { keys } from "../state/key_space.ts";
import type { TaskOwner } from "../state/records.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";

/**
 * How long Open WebUI takes a task for alive after its last sign of life (its `REDIS_TASK_TTL`): what
 * shows none is taken out of the lists by whichever of its instances looks at them.
 */
const LIFE_MS = 300_000;
/** How often a running task gives a sign of life. */
export const LIFE_SIGN_MS = LIFE_MS / 4;

/**
 * The tasks in the store. The owner's record is written first and deleted last: whatever breaks in
 * between, it is there for the sweep to find the rest by. A task without one is Open WebUI's own.
 */
export class TaskRecords {
  readonly owners: Dictionary<TaskOwner>;
  readonly stops: Dictionary<number>;
  /** task id → item id, of Open WebUI's tasks too */
  readonly items: Dictionary<string>;
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
    this.owners = store.dictionary(keys.taskOwners);
    this.stops = store.dictionary(keys.taskStops);
    this.items = store.dictionary(keys.tasks);
  }

  async write(taskId: string, owner: TaskOwner): Promise<void> {
    await this.owners.set(taskId, owner);
    await Promise.all([
      this.showLife([taskId]),
      this.#store.memberSet(keys.itemTasks(owner.item_id)).add(taskId),
    ]);
    await this.items.set(taskId, owner.item_id);
  }

  async showLife(taskIds: readonly string[]): Promise<void> {
    const { values } = this.#store;
    await Promise.all(taskIds.map((id) => values.set(keys.taskLife(id), 1, { ttlMs: LIFE_MS })));
  }

  /** May be called again after a failure. */
  async delete(taskId: string, itemId: string): Promise<void> {
    await this.items.delete(taskId);
    await Promise.all([
      this.#store.memberSet(keys.itemTasks(itemId)).remove(taskId),
      this.stops.delete(taskId),
      this.#store.values.delete(keys.taskLife(taskId)),
    ]);
    await this.owners.delete(taskId);
  }

  /** The item's tasks; those of Open WebUI's own instances have no owner's record. */
  async ofItem(itemId: string): Promise<[taskId: string, owner: TaskOwner | undefined][]> {
    const ids = await this.#store.memberSet(keys.itemTasks(itemId)).members();
    if (ids.length === 0) return [];
    const owners = await this.owners.getMany(ids);
    return ids.map((id, i) => [id, owners[i]]);
  }
}
