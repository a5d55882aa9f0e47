import { keys } from "../state/key_space.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";

/** Who runs a task for whom. `started_at` in milliseconds since the epoch. */
export interface TaskOwner {
  user_id: string;
  instance_id: string;
  kind: string;
  item_id: string;
  started_at: number;
}

/**
 * The tasks in the store. The owner's record is written first and deleted last: whatever breaks in
 * between, it is there for the sweep to find the rest by.
 */
export class TaskRecords {
  readonly owners: Dictionary<TaskOwner>;
  readonly stops: Dictionary<number>;
  readonly #store: StateStore;
  readonly #items: Dictionary<string>;

  constructor(store: StateStore) {
    this.#store = store;
    this.owners = store.dictionary(keys.taskOwners);
    this.stops = store.dictionary(keys.taskStops);
    this.#items = store.dictionary(keys.tasks);
  }

  async write(taskId: string, owner: TaskOwner): Promise<void> {
    await this.owners.set(taskId, owner);
    await this.#store.memberSet(keys.itemTasks(owner.item_id)).add(taskId);
    await this.#items.set(taskId, owner.item_id);
  }

  /** May be called again after a failure. */
  async delete(taskId: string, itemId: string): Promise<void> {
    await this.#items.delete(taskId);
    await this.#store.memberSet(keys.itemTasks(itemId)).remove(taskId);
    await this.stops.delete(taskId);
    await this.owners.delete(taskId);
  }

  /** The item's tasks that have an owner's record. */
  async ofItem(itemId: string): Promise<[taskId: string, owner: TaskOwner][]> {
    const ids = await this.#store.memberSet(keys.itemTasks(itemId)).members();
    if (ids.length === 0) return [];
    const owners = await this.owners.getMany(ids);
    return ids.flatMap((id, i) => {
      const owner = owners[i];
      return owner ? [[id, owner] as [string, TaskOwner]] : [];
    });
  }
}
