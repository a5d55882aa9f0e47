import { applied, KEEP, type KvAtomicValues } from "./kv_atomic_values.ts";
import type { KvClient } from "./kv_client.ts";
import { keyName } from "./kv_key.ts";
import type { StateKey, ValueStore } from "./state_store.ts";

const NAMES_PER_PAGE = 200;

/** Single values: an atomic value each. Reads of one turn are grouped by the client, ten keys a call. */
export function kvValues(client: KvClient, atomics: KvAtomicValues, prefix: string): ValueStore {
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

    async *names(family) {
      // The names of a family begin alike: `["a","b"` without the bracket that ends it.
      const beginning = `${keyName(family).slice(0, -1)},`;
      const end = [prefix, "value", `${beginning}\u{10ffff}`];
      let start: Deno.KvKey | undefined = [prefix, "value", beginning];
      while (start !== undefined) {
        const selector: Deno.KvListSelector = { start, end };
        const page: Deno.KvEntry<unknown>[] = await client.operation(() =>
          client.list(selector, { limit: NAMES_PER_PAGE })
        );
        const names = page.map(({ key }) => String(key.at(-1)));
        yield names.map((name): StateKey => JSON.parse(name))
          .filter((key) => key.length === family.length + 1);
        const last = names.at(-1);
        start = page.length < NAMES_PER_PAGE ? undefined : [prefix, "value", `${last}\0`];
      }
    },
  };
}
