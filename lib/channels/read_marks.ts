import { keys } from "../state/key_space.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";

/** How far somebody has read: when (unix seconds), and up to which position. */
export interface ReadMark {
  at: number;
  position: number;
}

/** How far each user has read each channel; a mark never goes back. */
export class ReadMarks {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  get(channelId: string, userId: string): Promise<ReadMark | undefined> {
    return this.#marks(channelId).get(userId);
  }

  async set(channelId: string, userId: string, mark: ReadMark): Promise<void> {
    await this.#marks(channelId).update(
      userId,
      (before) => before && before.position > mark.position ? before : mark,
    );
  }

  async forget(channelId: string, userIds: readonly string[]): Promise<void> {
    await this.#marks(channelId).delete(...userIds);
  }

  async clear(channelId: string): Promise<void> {
    await this.#marks(channelId).clear();
  }

  #marks(channelId: string): Dictionary<ReadMark> {
    return this.#store.dictionary<ReadMark>(keys.channelReads(channelId));
  }
}
