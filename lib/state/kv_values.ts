import { applied, KEEP, type KvAtomicValues } from "./kv_atomic_values.ts";
import { keyName } from "./kv_key.ts";
import type { StateKey, ValueStore } from "./state_store.ts";

/** Single values: an atomic value each. Reads of one turn are grouped by the client, ten keys a call. */
export function kvValues(atomics: KvAtomicValues, prefix: string): ValueStore {
  const at = (key: StateKey) => [prefix, "value", keyName(key)];
  return {
    get: (key) => atomics.read(at(key)),
    getMany: <T>(keys: readonly StateKey[]) =>
      Promise.all(keys.map((key) => atomics.read<T>(at(key)))),
    set: (key, value, options) =>
      atomics.change(at(key), () => ({ next: value, result: undefined }), options),
    setIfAbsent: <T>(key: StateKey, value: T, options = {}) =>
      atomics.change<T, boolean>(
        at(key),
        (now) => now === undefined ? { next: value, result: true } : { next: KEEP, result: false },
        options,
      ),
    update: (key, change, options) => atomics.change(at(key), applied(change), options),
    delete: (key) => atomics.change(at(key), () => ({ next: undefined, result: undefined })),
  };
}
