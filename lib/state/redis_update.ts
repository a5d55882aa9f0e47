import { AppError } from "../common/errors.ts";
import type { RedisConnection } from "../redis/connection.ts";
import { script, type ScriptArgument } from "../redis/script.ts";
import { backoffMs, pause } from "../redis/deadline.ts";
import { decodeValue, encodeValue } from "./redis_codec.ts";
import type { Change } from "./state_store.ts";

const MOST_TRIES = 64;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;
const never = new AbortController().signal;

/**
 * What both scripts do: write `next` only if what is there is still `expected`, else return what is
 * there. A third flag says that this may be the second arrival of the same request, whose first
 * answer was lost: then `next` already being there is success, not another's write.
 */
const COMPARE = (read: string, write: string, remove: string, expire: string) =>
  script(`
local current = ${read}
local had, has, resent = ARGV[1], ARGV[2], ARGV[3]
local expected, next, ttl = ARGV[4], ARGV[5], tonumber(ARGV[6])
local same = (had == '1' and current == expected) or (had == '0' and not current)
if not same and resent == '1' then
  same = (has == '1' and current == next) or (has == '0' and not current)
end
if not same then return {0, current} end
if has == '1' then ${write} else ${remove} end
${expire}
return {1}
`);

const COMPARE_VALUE = COMPARE(
  "redis.call('GET', KEYS[1])",
  "if ttl > 0 then redis.call('SET', KEYS[1], next, 'PX', ttl) else redis.call('SET', KEYS[1], next) end",
  "redis.call('DEL', KEYS[1])",
  "",
);

const COMPARE_FIELD = COMPARE(
  "redis.call('HGET', KEYS[1], ARGV[7])",
  "redis.call('HSET', KEYS[1], ARGV[7], next)",
  "redis.call('HDEL', KEYS[1], ARGV[7])",
  "if ttl > 0 then redis.call('PEXPIRE', KEYS[1], ttl) end",
);

/** One entry: a value, or a field of a dictionary. */
export interface EntryAddress {
  key: string;
  field?: string;
  ttlMs?: number;
}

interface Waiting {
  change: Change<unknown>;
  ttlMs: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Atomic change of one entry by compare and set.
 *
 * Changes of one entry from within this process wait for each other and are folded: whatever waits
 * is applied in order to one reading and written once, so a crowd costs a few round trips and races
 * only with other processes.
 */
export class Updates {
  readonly #redis: RedisConnection;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** @throws {AppError} `conflict` when others were faster too often. */
  update<T>(entry: EntryAddress, change: Change<T>): Promise<T | undefined> {
    const id = `${entry.field === undefined ? "" : entry.field.length}|${entry.field}|${entry.key}`;
    return new Promise<T | undefined>((resolve, reject) => {
      const mine: Waiting = {
        change: change as Change<unknown>,
        ttlMs: entry.ttlMs ?? 0,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      const queue = this.#waiting.get(id);
      if (queue !== undefined) {
        queue.push(mine);
        return;
      }
      const own = [mine];
      this.#waiting.set(id, own);
      void this.#drain(id, entry, own);
    });
  }

  /** Serves whoever waits for this entry until nobody does. Never rejects. */
  async #drain(id: string, entry: EntryAddress, queue: Waiting[]): Promise<void> {
    // What was written last is the best guess of what is there: it spares the reading.
    let known: { raw: string | null } | undefined;
    while (queue.length > 0) {
      const batch = queue.splice(0);
      try {
        known = { raw: await this.#apply(entry, batch, known) };
      } catch (error) {
        known = undefined;
        for (const { reject } of batch) reject(error);
      }
    }
    this.#waiting.delete(id);
  }

  /** Applies the changes in order, writes the outcome once, and returns its text. */
  async #apply(
    entry: EntryAddress,
    batch: Waiting[],
    known: { raw: string | null } | undefined,
  ): Promise<string | null> {
    let raw = known === undefined ? await this.#read(entry) : known.raw;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { next, settle } = fold(batch, raw);
      const ttlMs = Math.max(...batch.map((waiting) => waiting.ttlMs));
      const found = await this.#compareAndSet(entry, raw, next, ttlMs);
      if (found === undefined) {
        settle();
        return next;
      }
      raw = found.raw;
      await pause(backoffMs(tries, FIRST_PAUSE_MS, LONGEST_PAUSE_MS), never);
    }
    throw new AppError("conflict", "Too many others change this at the same time.");
  }

  #read({ key, field }: EntryAddress): Promise<string | null> {
    return this.#redis.run((client) =>
      field === undefined ? client.get(key) : client.hget(key, field)
    );
  }

  /** Returns nothing when the write was made, else what stood there instead. */
  async #compareAndSet(
    { key, field }: EntryAddress,
    expected: string | null,
    next: string | null,
    ttlMs: number,
  ): Promise<{ raw: string | null } | undefined> {
    const argumentsFor = (attempt: number): ScriptArgument[] => [
      expected === null ? 0 : 1,
      next === null ? 0 : 1,
      attempt > 0 ? 1 : 0,
      expected ?? "",
      next ?? "",
      ttlMs,
      ...(field === undefined ? [] : [field]),
    ];
    const compare = field === undefined ? COMPARE_VALUE : COMPARE_FIELD;
    const answer = await this.#redis.runScript(compare, key, argumentsFor);
    const [done, found] = answer as [number, string | null | undefined];
    return done === 1 ? undefined : { raw: found ?? null };
  }
}

/** The outcome of all changes together; one that throws is left out and told at once. */
function fold(batch: Waiting[], raw: string | null): { next: string | null; settle(): void } {
  let next = raw;
  const outcomes: (() => void)[] = [];
  for (const { change, resolve, reject } of batch) {
    try {
      const value = change(decodeValue(next));
      next = value === undefined ? null : encodeValue(value);
      outcomes.push(() => resolve(value));
    } catch (error) {
      outcomes.push(() => reject(error));
    }
  }
  return { next, settle: () => outcomes.forEach((tell) => tell()) };
}
