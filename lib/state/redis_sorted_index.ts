import { AppError } from "../common/errors.ts";
import type { RedisConnection } from "../redis/connection.ts";
import { script } from "../redis/script.ts";
import { readCursor, writeCursor } from "./index_cursor.ts";
import type { IndexEntry, IndexPage, IndexPageOptions, SortedIndex } from "./state_store.ts";

const DEFAULT_LIMIT = 50;
/** Entries of one ZADD or ZREM. */
const ENTRIES_PER_COMMAND = 1_000;

/**
 * A page by rank. Where it begins behind a cursor is found by halving among the members of the
 * cursor's score, in the order of bytes, so that it is exact among equal scores, whether or not the
 * cursor's own member is still there, and costs the logarithm of their number. (Lua's own
 * comparison of strings follows the server's locale, so it can't be used.)
 */
const PAGE = script(`
local key, limit, descending = KEYS[1], tonumber(ARGV[1]), ARGV[2] == '1'
local min, max = ARGV[3], ARGV[4]
local function below(score) return redis.call('ZCOUNT', key, '-inf', '(' .. score) end
local function upto(score) return redis.call('ZCOUNT', key, '-inf', score) end
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
local first, last = below(min), upto(max) - 1
if ARGV[5] == '1' then
  local score, member = ARGV[6], ARGV[7]
  local low, high = below(score), upto(score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if before(redis.call('ZRANGE', key, middle, middle)[1], member) then low = middle + 1
    else high = middle end
  end
  if descending then last = math.min(last, low - 1)
  else
    if redis.call('ZRANGE', key, low, low)[1] == member
      and low < upto(score) then low = low + 1 end
    first = math.max(first, low)
  end
end
if descending then first = math.max(first, last - limit + 1)
else last = math.min(last, first + limit - 1) end
if last < first then return {} end
return redis.call('ZRANGE', key, first, last, 'WITHSCORES')
`);

/** The ends of a range may be infinite, a member's own score may not. */
function rangeText(score: number): string {
  if (Number.isNaN(score)) throw new AppError("invalid_payload", "A score must be a number.");
  if (!Number.isFinite(score)) return score > 0 ? "+inf" : "-inf";
  return String(score);
}

function scoreText(score: number): string {
  if (!Number.isFinite(score)) throw new AppError("invalid_payload", "A score must be finite.");
  return String(score);
}

/** A ZSET: ordered by score, equal scores by the bytes of the member. */
export function redisSortedIndex(redis: RedisConnection, key: string): SortedIndex {
  return {
    async put(...entries) {
      const pairs = entries.map(({ score, member }) => [scoreText(score), member] as const);
      const pages: Promise<unknown>[] = [];
      for (let at = 0; at < pairs.length; at += ENTRIES_PER_COMMAND) {
        const page = pairs.slice(at, at + ENTRIES_PER_COMMAND).flat();
        pages.push(redis.run((client) => client.zadd(key, ...page)));
      }
      await Promise.all(pages);
    },

    async remove(...members) {
      const pages: Promise<unknown>[] = [];
      for (let at = 0; at < members.length; at += ENTRIES_PER_COMMAND) {
        const page = members.slice(at, at + ENTRIES_PER_COMMAND);
        pages.push(redis.run((client) => client.zrem(key, ...page)));
      }
      await Promise.all(pages);
    },

    async score(member) {
      const score = await redis.run((client) => client.zscore(key, member));
      return score === null ? undefined : Number(score);
    },

    async page(options: IndexPageOptions = {}): Promise<IndexPage> {
      const { limit = DEFAULT_LIMIT, descending = false, min = -Infinity, max = Infinity } =
        options;
      const from = options.cursor === undefined ? undefined : readCursor(options.cursor);
      // One entry more than the page holds tells whether there is another page.
      const flat = await redis.runScript(PAGE, key, [
        limit + 1,
        descending ? 1 : 0,
        rangeText(min),
        rangeText(max),
        from === undefined ? 0 : 1,
        from === undefined ? "0" : scoreText(from.score),
        from?.member ?? "",
      ]) as string[];
      const entries: IndexEntry[] = [];
      for (let at = 0; at + 1 < flat.length; at += 2) {
        entries.push({ member: flat[at] ?? "", score: Number(flat[at + 1] ?? "") });
      }
      if (descending) entries.reverse();
      const more = entries.length > limit;
      if (more) entries.length = limit;
      const last = entries.at(-1);
      return { entries, cursor: more && last !== undefined ? writeCursor(last) : undefined };
    },

    async count({ min = -Infinity, max = Infinity, limit }) {
      const found = await redis.run((client) => client.zcount(key, rangeText(min), rangeText(max)));
      return Math.min(found, limit);
    },

    async clear() {
      await redis.run((client) => client.del(key));
    },
  };
}
