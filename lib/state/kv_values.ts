import { KEEP, type KvCells } from "./kv_cells.ts";
import type {
  Change,
  CollectionOptions,
  Dictionary,
  MemberSet,
  RateWindow,
  StateKey,
  ValueStore,
} from "./state_store.ts";
import type { KvClient } from "./kv_client.ts";

/** One part for the whole name, so that no name is the beginning of another. */
export const keyName = (key: StateKey): string => JSON.stringify(key);

const changed = <T>(change: Change<T>) => (current: T | undefined) => {
  const next = change(current);
  return { next, result: next };
};

export function kvValues(cells: KvCells, prefix: string): ValueStore {
  const at = (key: StateKey) => [prefix, "value", keyName(key)];
  return {
    get: (key) => cells.read(at(key)),
    getMany: <T>(keys: readonly StateKey[]) =>
      Promise.all(keys.map((key) => cells.read<T>(at(key)))),
    set: (key, value, options) =>
      cells.change(at(key), () => ({ next: value, result: undefined }), options),
    setIfAbsent: <T>(key: StateKey, value: T, options = {}) =>
      cells.change<T, boolean>(
        at(key),
        (now) => now === undefined ? { next: value, result: true } : { next: KEEP, result: false },
        options,
      ),
    update: (key, change, options) => cells.change(at(key), changed(change), options),
    delete: (key) => cells.change(at(key), () => ({ next: undefined, result: undefined })),
  };
}

const DEFAULT_PAGE = 200;

export function kvDictionary<T>(
  client: KvClient,
  cells: KvCells,
  prefix: string,
  key: StateKey,
  options: CollectionOptions,
): Dictionary<T> {
  const base = [prefix, "dictionary", keyName(key)];
  const at = (field: string) => [...base, field];
  const remove = (field: Deno.KvKey) =>
    cells.change<T, number>(
      field,
      (now) => now === undefined ? { next: KEEP, result: 0 } : { next: undefined, result: 1 },
    );
  const set = (field: string, value: T) =>
    cells.change<T, void>(at(field), () => ({ next: value, result: undefined }), options);
  const pages = async function* (limit: number): AsyncGenerator<Deno.KvEntry<unknown>[]> {
    let start: Deno.KvKey | undefined = base;
    while (start !== undefined) {
      const selector: Deno.KvListSelector = { start, end: [...base, true] };
      const page: Deno.KvEntry<unknown>[] = await client.operation(() =>
        client.list(selector, { limit })
      );
      if (page.length > 0) yield page;
      const last: Deno.KvKey | undefined = page.at(-1)?.key;
      start = page.length < limit || last === undefined
        ? undefined
        : at(`${String(last.at(-1))}\0`);
    }
  };
  return {
    get: (field) => cells.read(at(field)),
    getMany: (fields) => Promise.all(fields.map((field) => cells.read<T>(at(field)))),
    set,
    setMany: async (entries) => {
      await Promise.all([...entries].map(([field, value]) => set(field, value)));
    },
    update: (field, change) => cells.change(at(field), changed(change), options),
    delete: async (...fields) => {
      const removed = await Promise.all([...new Set(fields)].map((field) => remove(at(field))));
      return removed.reduce((sum, one) => sum + one, 0);
    },
    async *scan({ pageSize = DEFAULT_PAGE } = {}) {
      for await (const page of pages(pageSize)) {
        const values = await client.operation(() => cells.decodeAll<T>(page));
        const found = page.flatMap((entry, index) => {
          const value = values[index];
          return value === undefined ? [] : [[String(entry.key.at(-1)), value] as const];
        });
        if (found.length > 0) yield found;
      }
    },
    clear: async () => {
      for await (const page of pages(DEFAULT_PAGE)) {
        await Promise.all(page.map((entry) => remove(entry.key)));
      }
    },
  };
}

/** A set as one cell: its counts are exact and atomic. Made for up to some thousand members. */
export function kvMemberSet(
  cells: KvCells,
  prefix: string,
  key: StateKey,
  options: CollectionOptions,
): MemberSet {
  const at = [prefix, "set", keyName(key)];
  const read = async () => new Set(await cells.read<string[]>(at));
  return {
    add: (...members) =>
      cells.change<string[], number>(at, (now = []) => {
        if (members.length === 0) return { next: KEEP, result: 0 };
        const next = new Set([...now, ...members]);
        return { next: [...next], result: next.size - now.length };
      }, options),
    remove: (...members) =>
      cells.change<string[], { removed: number; left: number }>(at, (now = []) => {
        const gone = new Set(members);
        const next = now.filter((member) => !gone.has(member));
        const result = { removed: now.length - next.length, left: next.length };
        if (result.removed === 0) return { next: KEEP, result };
        return { next: next.length === 0 ? undefined : next, result };
      }, options),
    has: async (member) => (await read()).has(member),
    members: async () => [...await read()],
    clear: () => cells.change(at, () => ({ next: undefined, result: undefined })),
  };
}

/** Counts a hit in its bucket and returns what the window holds. */
export function kvCountHit(
  cells: KvCells,
  at: Deno.KvKey,
  { windowMs, bucketMs }: RateWindow,
  nowMs: number,
): Promise<number> {
  const bucket = Math.floor(nowMs / bucketMs);
  const oldest = bucket - Math.ceil(windowMs / bucketMs);
  return cells.change<Record<string, number>, number>(at, (now = {}) => {
    const kept = Object.entries(now).filter(([name]) => Number(name) > oldest);
    const next: Record<string, number> = Object.fromEntries(kept);
    next[bucket] = (next[bucket] ?? 0) + 1;
    return { next, result: Object.values(next).reduce((sum, hits) => sum + hits, 0) };
  }, { ttlMs: windowMs + bucketMs });
}
