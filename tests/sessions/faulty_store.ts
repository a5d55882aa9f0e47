import { AppError } from "../../lib/common/errors.ts";
import type {
  Change,
  Dictionary,
  Lease,
  MemberSet,
  StateKey,
  StateStore,
  SubscribeHandlers,
} from "../../lib/state/state_store.ts";

/** A store in memory that fails on demand: what the pools and tasks need of the interface. */
export class FaultyStore {
  /** Every operation throws `unavailable`. */
  down = false;
  /** Messages are lost. */
  deaf = false;
  /** Operations do not answer. */
  hung = false;
  roundTrips = 0;
  entriesWritten = 0;
  readonly maps = new Map<string, Map<string, string>>();
  readonly sets = new Map<string, Set<string>>();
  readonly locks = new Map<string, { owner: string; until: number }>();
  readonly #subscribers = new Map<string, Set<SubscribeHandlers>>();

  get store(): StateStore {
    return this as unknown as StateStore;
  }

  async #trip(): Promise<void> {
    this.roundTrips++;
    await Promise.resolve();
    if (this.hung) await new Promise<never>(() => {});
    if (this.down) throw new AppError("unavailable", "The store is away.");
  }

  dictionary<T>(key: StateKey): Dictionary<T> {
    const name = key.join(":");
    const map = this.maps.get(name) ?? new Map<string, string>();
    this.maps.set(name, map);
    const read = (field: string) => {
      const text = map.get(field);
      return text === undefined ? undefined : JSON.parse(text) as T;
    };
    const write = (field: string, value: T) => {
      this.entriesWritten++;
      map.set(field, JSON.stringify(value));
    };
    const trip = () => this.#trip();
    return {
      get: (field) => trip().then(() => read(field)),
      getMany: (fields) => trip().then(() => fields.map(read)),
      set: (field, value) => trip().then(() => write(field, value)),
      setMany: (entries) =>
        trip().then(() => {
          for (const [field, value] of entries) write(field, value);
        }),
      update: (field: string, change: Change<T>) =>
        trip().then(() => {
          const next = change(read(field));
          if (next === undefined) map.delete(field);
          else write(field, next);
          return next;
        }),
      delete: (...fields) => trip().then(() => fields.filter((field) => map.delete(field)).length),
      async *scan({ pageSize = 100 } = {}) {
        const fields = [...map.keys()];
        while (fields.length > 0) {
          await trip();
          yield fields.splice(0, pageSize).flatMap((field) => {
            const value = read(field);
            return value === undefined ? [] : [[field, value] as const];
          });
        }
      },
      clear: () => trip().then(() => map.clear()),
    };
  }

  memberSet(key: StateKey): MemberSet {
    const name = key.join(":");
    const set = () => this.sets.get(name) ?? new Set<string>();
    return {
      add: (...members) =>
        this.#trip().then(() => {
          const all = set();
          const before = all.size;
          for (const member of members) all.add(member);
          this.sets.set(name, all);
          return all.size - before;
        }),
      remove: (...members) =>
        this.#trip().then(() => {
          const all = set();
          const removed = members.filter((member) => all.delete(member)).length;
          if (all.size === 0) this.sets.delete(name);
          return { removed, left: all.size };
        }),
      has: (member) => this.#trip().then(() => set().has(member)),
      members: () => this.#trip().then(() => [...set()]),
      clear: () => this.#trip().then(() => void this.sets.delete(name)),
    };
  }

  async acquire(key: StateKey, { ttlMs }: { ttlMs: number }): Promise<Lease | undefined> {
    await this.#trip();
    const name = key.join(":");
    if ((this.locks.get(name)?.until ?? 0) > performance.now()) return undefined;
    const owner = crypto.randomUUID();
    this.locks.set(name, { owner, until: performance.now() + ttlMs });
    const ours = () => {
      const lock = this.locks.get(name);
      return lock?.owner === owner && lock.until > performance.now();
    };
    const release = async () => {
      await this.#trip();
      if (ours()) this.locks.delete(name);
    };
    return {
      owner,
      renew: async () => {
        await this.#trip();
        if (!ours()) return false;
        this.locks.set(name, { owner, until: performance.now() + ttlMs });
        return true;
      },
      release,
      [Symbol.asyncDispose]: release,
    };
  }

  async publish(channel: StateKey, message: string): Promise<void> {
    await this.#trip();
    if (this.deaf) return;
    for (const { onMessage } of this.#subscribers.get(channel.join(":")) ?? []) onMessage(message);
  }

  async subscribe(channel: StateKey, handlers: SubscribeHandlers) {
    await this.#trip();
    const all = this.#subscribers.get(channel.join(":")) ?? new Set();
    this.#subscribers.set(channel.join(":"), all.add(handlers));
    const unsubscribe = () => Promise.resolve(void all.delete(handlers));
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }
}
