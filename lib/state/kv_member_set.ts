import { KEEP, type KvCells } from "./kv_cells.ts";
import { keyName } from "./kv_key.ts";
import type { CollectionOptions, MemberSet, StateKey } from "./state_store.ts";

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
