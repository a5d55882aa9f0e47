import { AppError } from "../common/errors.ts";
import { readCursor, writeCursor } from "./index_cursor.ts";
import { KEEP, type KvAtomicValues } from "./kv_atomic_values.ts";
import type { KvClient } from "./kv_client.ts";
import { checkKey, keyName } from "./kv_key.ts";
import type { IndexEntry, SortedIndex, StateKey } from "./state_store.ts";

const DEFAULT_LIMIT = 50;
const PAGE = 500;

function checkScore(score: number): number {
  if (!Number.isFinite(score)) throw new AppError("invalid_payload", "A score must be finite.");
  return score + 0; // -0 and 0 are one score
}

/** The ends of a range may be infinite, but not `NaN`: it would sort behind all others. */
function checkEnd(end: number | undefined): void {
  if (Number.isNaN(end)) throw new AppError("invalid_payload", "A score must be a number.");
}

/**
 * An atomic value per member with its score, and beside it, in the same commit, a key in the order of score
 * and member: KV sorts numbers in a key by their value and strings by their bytes.
 */
export function kvSortedIndex(
  client: KvClient,
  atomics: KvAtomicValues,
  prefix: string,
  key: StateKey,
): SortedIndex {
  const members = [prefix, "index", keyName(key)];
  const order = [prefix, "order", keyName(key)];
  const alongside = (member: string) => ({
    alongside: (before: unknown, after: unknown) => ({
      deletes: typeof before === "number" && before !== after ? [[...order, before, member]] : [],
      sets: typeof after === "number"
        ? [{ key: [...order, after, member], value: true, bytes: 16 }]
        : [],
    }),
  });
  const write = (member: string, score: number | undefined) => {
    checkKey([...order, 0, member]);
    return atomics.change<number, void>(
      [...members, member],
      (now) => ({ next: now === score ? KEEP : score, result: undefined }),
      alongside(member),
    );
  };
  // A boolean sorts behind every number and string.
  const from = (min?: number) => min === undefined ? order : [...order, min];
  const upTo = (max?: number) => max === undefined ? [...order, true] : [...order, max, true];
  const list = (start: Deno.KvKey, end: Deno.KvKey, limit: number, reverse = false) =>
    client.operation(() => client.list({ start, end }, { limit, reverse }));

  return {
    async put(...entries) {
      const checked = entries.map(({ member, score }) => ({ member, score: checkScore(score) }));
      await Promise.all(checked.map(({ member, score }) => write(member, score)));
    },
    async remove(...gone) {
      await Promise.all(gone.map((member) => write(member, undefined)));
    },
    score: (member) => atomics.read<number>([...members, member]),

    async page({ limit = DEFAULT_LIMIT, cursor, descending = false, min, max } = {}) {
      checkEnd(min);
      checkEnd(max);
      let start: Deno.KvKey = from(min), end: Deno.KvKey = upTo(max);
      if (cursor !== undefined) {
        const { score, member } = readCursor(cursor);
        if (descending) {
          if (max === undefined || score <= max) end = [...order, score, member];
        } else if (min === undefined || score >= min) start = [...order, score, `${member}\0`];
      }
      if (compare(start, end, order.length) >= 0) return { entries: [], cursor: undefined };
      const found = await list(start, end, limit + 1, descending);
      const entries: IndexEntry[] = found.slice(0, limit).map(({ key }) => ({
        score: Number(key.at(-2)),
        member: String(key.at(-1)),
      }));
      const last = entries.at(-1);
      const more = found.length > limit && last !== undefined;
      return { entries, cursor: more ? writeCursor(last) : undefined };
    },

    async count({ min, max, limit }) {
      checkEnd(min);
      checkEnd(max);
      if (limit < 1 || (min !== undefined && max !== undefined && min > max)) return 0;
      return (await list(from(min), upTo(max), limit)).length;
    },

    async clear() {
      while (true) {
        const page = await list(order, upTo(), PAGE);
        await Promise.all(page.map(({ key }) => write(String(key.at(-1)), undefined)));
        if (page.length < PAGE) return;
      }
    },
  };
}

/** By the score alone: a range that is upside down is empty, not an error. */
function compare(start: Deno.KvKey, end: Deno.KvKey, at: number): number {
  const low = start[at], high = end[at];
  return typeof low === "number" && typeof high === "number" && low > high ? 1 : -1;
}
