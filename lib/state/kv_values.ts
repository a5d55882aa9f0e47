import { applied, KEEP, type KvCells } from "./kv_cells.ts";
import { keyName } from "./kv_key.ts";
import type { StateKey, ValueStore } from "./state_store.ts";

/** Single values: a cell each. Reads of one turn are grouped by the client, ten keys a call. */
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
    update: (key, change, options) => cells.change(at(key), applied(change), options),
    delete: (key) => cells.change(at(key), () => ({ next: undefined, result: undefined })),
  };
}
