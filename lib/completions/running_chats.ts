import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

/**
 * Which chats are being answered right now, on whichever instance. Who asks while it is being read
 * waits for the next reading, which all who wait share: many tabs that come back at once cost two.
 */
export class RunningChats {
  readonly #store: StateStore;
  #reading: Promise<Map<string, Set<string>>> | undefined;
  #next: Promise<Map<string, Set<string>>> | undefined;

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** The ids of the user's chats. */
  async of(userId: string): Promise<ReadonlySet<string>> {
    this.#next ??= this.#after(this.#reading);
    return (await this.#next).get(userId) ?? new Set();
  }

  async #after(before: Promise<unknown> | undefined): Promise<Map<string, Set<string>>> {
    await before?.catch(() => {});
    this.#reading = this.#next;
    this.#next = undefined;
    const running = new Map<string, Set<string>>();
    for await (const page of this.#store.dictionary(keys.streams).scan()) {
      for (const [, { userId, chatId }] of page) {
        running.set(userId, (running.get(userId) ?? new Set()).add(chatId));
      }
    }
    return running;
  }
}
