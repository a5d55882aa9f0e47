import * as v from "valibot";
import type { Logger } from "../common/logger.ts";
import {
  type Change,
  type CollectionOptions,
  type Dictionary,
  type Key,
  SCHEMA,
  type StateStore,
  type ValueStore,
} from "./state_store.ts";

/** Records that are remembered, so that each is told once. */
const MAX_TOLD = 1_000;

type Read = <T>(key: Key<T>, stored: unknown, field?: string) => T | undefined;

/**
 * The store with what it reads checked against the schemas of the keys. A driver deals with JSON,
 * whoever wrote it; from here on it is what its type says. Costs about half a microsecond a record.
 */
export function checkedStore(store: StateStore, logger: Logger): StateStore {
  const read = recordReader(logger);
  const values = checkedValues(store.values, read);
  return {
    ...store,
    values,
    dictionary: <T>(key: Key<T>, options?: CollectionOptions) =>
      checkedDictionary(store.dictionary<unknown>(key, options), key, read),
  };
}

/** Reads a record; what has another shape is told once and is `undefined`. */
function recordReader(logger: Logger): Read {
  const told = new Set<string>();
  return (key, stored, field) => {
    const schema = key[SCHEMA];
    // deno-lint-ignore no-explicit-any -- without a schema, a key says nothing of what it holds
    if (stored === undefined || !schema) return stored as any;
    const result = v.safeParse(schema, stored);
    if (result.success) return result.output;
    const name = [...key, ...field === undefined ? [] : [field]].join(":");
    if (told.has(name) || told.size >= MAX_TOLD) return undefined;
    told.add(name);
    const [issue] = result.issues;
    const at = v.getDotPath(issue) ?? "";
    logger.warn("a record of another shape is left out", { name, at, found: issue.received });
    return undefined;
  };
}

/**
 * The change with what it gets checked. What can't be read is left as it is, unless it is replaced:
 * a newer version may know what it is.
 */
function checkedChange<T>(key: Key<T>, change: Change<T>, read: Read, field?: string) {
  let result: T | undefined;
  return {
    change(stored: unknown): unknown {
      const current = read(key, stored, field);
      result = change(current);
      return result === undefined && current === undefined ? stored : result;
    },
    /** What the last call made of it: earlier ones lost their race. */
    result: () => result,
  };
}

function checkedValues(values: ValueStore, read: Read): ValueStore {
  return {
    async get(key) {
      return read(key, await values.get<unknown>(key));
    },
    async getMany<T>(keys: readonly Key<T>[]) {
      const found = await values.getMany<unknown>(keys);
      return keys.map((key, at) => read(key, found[at]));
    },
    set: (key, value, options) => values.set(key, value, options),
    setIfAbsent: (key, value, options) => values.setIfAbsent(key, value, options),
    update(key, change, options) {
      const checked = checkedChange(key, change, read);
      return values.update<unknown>(key, checked.change, options).then(checked.result);
    },
    delete: (key) => values.delete(key),
    names: (family) => values.names(family),
  };
}

function checkedDictionary<T>(
  entries: Dictionary<unknown>,
  key: Key<T>,
  read: Read,
): Dictionary<T> {
  return {
    async get(field) {
      return read(key, await entries.get(field), field);
    },
    async getMany(fields) {
      const found = await entries.getMany(fields);
      return fields.map((field, at) => read(key, found[at], field));
    },
    set: (field, value) => entries.set(field, value),
    setMany: (written) => entries.setMany(written),
    async update(field, change) {
      const checked = checkedChange(key, change, read, field);
      await entries.update(field, checked.change);
      return checked.result();
    },
    delete: (...fields) => entries.delete(...fields),
    async *scan(options) {
      for await (const page of entries.scan(options)) {
        const readable = page.flatMap(([field, stored]) => {
          const value = read(key, stored, field);
          return value === undefined ? [] : [[field, value] as const];
        });
        if (readable.length > 0) yield readable;
      }
    },
    clear: () => entries.clear(),
  };
}
