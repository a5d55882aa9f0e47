import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

export interface ChatPresenceOptions {
  store: StateStore;
  instanceId: string;
  /** Those of the instances that are dead. */
  deadAmong(instanceIds: string[]): Promise<Set<string>>;
}

/** What an abandoned entry lives at the most; whoever looks at the chat renews it. */
const TTL_MS = 7 * 24 * 3_600_000;

/**
 * Who looks at which chat, on all instances: one small dictionary a chat, so that who comes or goes
 * costs what the chat's own viewers cost, however many sessions there are.
 */
export class ChatPresence {
  readonly #options: ChatPresenceOptions;

  constructor(options: ChatPresenceOptions) {
    this.#options = options;
  }

  async enter(chatId: string, sid: string, viewer: { id: string; name: string }): Promise<void> {
    const { instanceId: instance_id } = this.#options;
    await this.#viewers(chatId).set(sid, { id: viewer.id, name: viewer.name, instance_id });
  }

  async leave(chatId: string, sid: string): Promise<void> {
    await this.#viewers(chatId).delete(sid);
  }

  /** Each once, in the order of their ids. */
  async viewers(chatId: string): Promise<{ id: string; name: string }[]> {
    const entries: (readonly [string, { id: string; name: string; instance_id: string }])[] = [];
    for await (const page of this.#viewers(chatId).scan()) entries.push(...page);
    const dead = await this.#options.deadAmong(entries.map(([, { instance_id }]) => instance_id));
    const stale = entries.filter(([, { instance_id }]) => dead.has(instance_id));
    if (stale.length > 0) await this.#viewers(chatId).delete(...stale.map(([sid]) => sid));
    const people = new Map(
      entries.filter(([, { instance_id }]) => !dead.has(instance_id))
        .map(([, { id, name }]) => [id, { id, name }]),
    );
    return [...people.values()].toSorted((a, b) => a.id < b.id ? -1 : 1);
  }

  #viewers(chatId: string) {
    return this.#options.store.dictionary(keys.chatViewers(chatId), { ttlMs: TTL_MS });
  }
}
