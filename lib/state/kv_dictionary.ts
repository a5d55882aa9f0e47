import { applied, KEEP, type KvAtomicValues } from "./kv_atomic_values.ts";
import type { KvClient } from "./kv_client.ts";
import { keyName } from "./kv_key.ts";
import type { CollectionOptions, Dictionary, StateKey } from "./state_store.ts";

const DEFAULT_PAGE = 200;

/** An atomic value for each field, under one beginning, so that a page of them is one listing. */
export function kvDictionary<T>(
  client: KvClient,
  atomics: KvAtomicValues,
  prefix: string,
  key: StateKey,
  options: CollectionOptions,
): Dictionary<T> {
  const base = [prefix, "dictionary", keyName(key)];
  const at = (field: string) => [...base, field];
  const remove = (field: Deno.KvKey) =>
    atomics.change<T, number>(
      field,
      (now) => now === undefined ? { next: KEEP, result: 0 } : { next: undefined, result: 1 },
    );
  const set = (field: string, value: T) =>
    options.isWrittenOnce
      ? atomics.writeOnce(at(field), value, options)
      : atomics.change<T, void>(at(field), () => ({ next: value, result: undefined }), options);
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
    get: (field) => atomics.read(at(field)),
    getMany: (fields) => Promise.all(fields.map((field) => atomics.read<T>(at(field)))),
    set,
    setMany: async (entries) => {
      await Promise.all([...entries].map(([field, value]) => set(field, value)));
    },
    update: (field, change) => atomics.change(at(field), applied(change), options),
    delete: async (...fields) => {
      const removed = await Promise.all([...new Set(fields)].map((field) => remove(at(field))));
      return removed.reduce((sum, one) => sum + one, 0);
    },
    async *scan({ pageSize = DEFAULT_PAGE } = {}) {
      for await (const page of pages(pageSize)) {
        const values = await client.operation(() => atomics.decodeAll<T>(page));
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
