import type { Viewer } from "../protocol/user.ts";
import type { ViewerRecord } from "../state/records.ts";
import type { Key, StateStore } from "../state/state_store.ts";

export interface ViewerPoolOptions {
  store: StateStore;
  instanceId: string;
  /** Where the viewers of one thing are kept. */
  key(id: string): Key<ViewerRecord>;
  /** Those of the instances that are dead. */
  deadAmong(instanceIds: string[]): Promise<Set<string>>;
  /** Whether it is said with how many sessions somebody looks. Default: `true`. */
  isCounted?: boolean;
}

/** What an abandoned entry lives at the most; whoever looks renews it. */
const TTL_MS = 7 * 24 * 3_600_000;

/**
 * Who looks at which chat or channel, on all instances: one small dictionary each, so that who comes
 * or goes costs what its own viewers cost, however many sessions there are.
 */
export class ViewerPool {
  readonly #options: ViewerPoolOptions;

  constructor(options: ViewerPoolOptions) {
    this.#options = options;
  }

  async enter(id: string, sid: string, viewer: { id: string; name: string }): Promise<void> {
    const { instanceId: instance_id } = this.#options;
    await this.#viewers(id).set(sid, { id: viewer.id, name: viewer.name, instance_id });
  }

  async leave(id: string, sid: string): Promise<void> {
    await this.#viewers(id).delete(sid);
  }

  /** Each once, in the order of their ids. */
  async viewers(id: string): Promise<Viewer[]> {
    const { isCounted = true } = this.#options;
    const entries: (readonly [string, ViewerRecord])[] = [];
    for await (const page of this.#viewers(id).scan()) entries.push(...page);
    const dead = await this.#options.deadAmong(entries.map(([, { instance_id }]) => instance_id));
    const stale = entries.filter(([, { instance_id }]) => dead.has(instance_id));
    if (stale.length > 0) await this.#viewers(id).delete(...stale.map(([sid]) => sid));
    const people = new Map<string, Viewer>();
    for (const [, { id, name, instance_id }] of entries) {
      if (dead.has(instance_id)) continue;
      const sessions = (people.get(id)?.sessions ?? 0) + 1;
      people.set(id, { id, name, ...isCounted && { sessions } });
    }
    return [...people.values()].toSorted((a, b) => a.id < b.id ? -1 : 1);
  }

  #viewers(id: string) {
    const { store, key } = this.#options;
    return store.dictionary(key(id), { ttlMs: TTL_MS });
  }
}
