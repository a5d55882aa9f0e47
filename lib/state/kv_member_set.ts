import { KEEP, type KvAtomicValues } from "./kv_atomic_values.ts";
import { keyName } from "./kv_key.ts";
import type { CollectionOptions, MemberSet, StateKey } from "./state_store.ts";

/** A set as one atomic value: its counts are exact and atomic. Made for up to some thousand members. */
export function kvMemberSet(
  atomics: KvAtomicValues,
  prefix: string,
  key: StateKey,
  options: CollectionOptions,
): MemberSet {
  const at = [prefix, "set", keyName(key)];
  const listIn = (stored: unknown): string[] => Array.isArray(stored) ? stored : [];
  const read = async () => new Set(listIn(await atomics.read(at)));
  return {
    add: (...members) =>
      atomics.change<string[], number>(at, (stored) => {
        const now = listIn(stored);
        if (members.length === 0) return { next: KEEP, result: 0 };
        const next = new Set([...now, ...members]);
        return { next: [...next], result: next.size - now.length };
      }, options),
    remove: (...members) =>
      atomics.change<string[], { removed: number; left: number }>(at, (stored) => {
        const now = listIn(stored);
        const gone = new Set(members);
        const next = now.filter((member) => !gone.has(member));
        const result = { removed: now.length - next.length, left: next.length };
        if (result.removed === 0) return { next: KEEP, result };
        return { next: next.length === 0 ? undefined : next, result };
      }, options),
    has: async (member) => (await read()).has(member),
    members: async () => [...await read()],
    clear: () => atomics.change(at, () => ({ next: undefined, result: undefined })),
  };
}
