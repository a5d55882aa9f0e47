import type { RedisConnection } from "../redis/connection.ts";
import { script, type ScriptArgument } from "../redis/script.ts";
import { retryConflicts } from "./conflict_retry.ts";
import { type Job, KeyedBatchQueue, type Serve } from "./keyed_batch_queue.ts";
import { decodeValue, encodeValue } from "./redis_codec.ts";
import type { Change } from "./state_store.ts";

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

interface Request {
  change: Change<unknown>;
  ttlMs: number;
}

/** What stands in Redis: a text, or nothing. */
type Raw = string | null;

/** What was written last is remembered for so many entries, while it is no longer than this. */
const MAX_REMEMBERED = 2_000;
const MAX_REMEMBERED_LENGTH = 2_000;

/**
 * Atomic change of one entry by compare and set.
 *
 * Changes of one entry from within this process wait for each other and are folded: whatever waits
 * is applied in order to one reading and written once, so a crowd costs a few round trips and races
 * only with other processes. What this process wrote last is taken for what is there: where it still
 * is, the reading is spared; where it is not, the refusal brings what is.
 */
export class Updates {
  readonly #redis: RedisConnection;
  readonly #queue = new KeyedBatchQueue<Request>();
  /** How many changes of each entry are under way. */
  readonly #pending = new Map<string, number>();
  /** What stood in an entry after our last change, the entry changed last at the end. */
  readonly #written = new Map<string, Raw>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** @throws {AppError} `conflict` when others were faster too often. */
  async update<T>(entry: EntryAddress, change: Change<T>): Promise<T | undefined> {
    const id = idOf(entry);
    const request = {
      change: change as Change<unknown>,
      ttlMs: Math.ceil(entry.ttlMs ?? 0),
    };
    this.#pending.set(id, (this.#pending.get(id) ?? 0) + 1);
    try {
      return await this.#queue.push(id, request, this.#server(entry, id));
    } finally {
      const left = (this.#pending.get(id) ?? 1) - 1;
      if (left > 0) this.#pending.set(id, left);
      else this.#pending.delete(id);
    }
  }

  /**
   * Whether changes of the entry are under way. A plain write that is given now must come after
   * them, so it has to be a change too.
   */
  pending(entry: EntryAddress): boolean {
    return this.#pending.has(idOf(entry));
  }

  #server(entry: EntryAddress, id: string): Serve<Request> {
    // For the batches that follow each other at once, of any size.
    let last: Raw | undefined;
    return async (jobs) => {
      const written = last === undefined ? this.#written.get(id) : last;
      // A change that fails leaves nothing to go by.
      last = undefined;
      this.#written.delete(id);
      const first = written === undefined ? await this.#read(entry) : written;
      last = await this.#apply(entry, jobs, first);
      this.#remember(id, last);
    };
  }

  #remember(id: string, raw: Raw): void {
    if (raw !== null && raw.length > MAX_REMEMBERED_LENGTH) return;
    this.#written.set(id, raw);
    const oldest = this.#written.keys().next();
    if (this.#written.size > MAX_REMEMBERED && !oldest.done) this.#written.delete(oldest.value);
  }

  /** Applies the changes in order, writes the outcome once, and returns it. */
  async #apply(entry: EntryAddress, jobs: Job<Request>[], first: Raw): Promise<Raw> {
    // As if one had been written after the other: the last one's time counts.
    const ttlMs = jobs.at(-1)?.request.ttlMs ?? 0;
    let raw = first;
    const { next, settle } = await retryConflicts(async () => {
      const folded = fold(jobs, raw);
      const found = await this.#compareAndSet(entry, raw, folded.next, ttlMs);
      if (found === undefined) return folded;
      raw = found.raw;
    });
    settle();
    return next;
  }

  #read({ key, field }: EntryAddress): Promise<Raw> {
    return this.#redis.run((client) =>
      field === undefined ? client.get(key) : client.hget(key, field)
    );
  }

  /** Returns nothing when the write was made, else what stood there instead. */
  async #compareAndSet(
    { key, field }: EntryAddress,
    expected: Raw,
    next: Raw,
    ttlMs: number,
  ): Promise<{ raw: Raw } | undefined> {
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
    const [done, found] = answer as [number, Raw | undefined];
    return done === 1 ? undefined : { raw: found ?? null };
  }
}

function idOf({ key, field }: EntryAddress): string {
  return field === undefined ? key : `${key.length}:${key}${field}`;
}

/** The outcome of all changes together; one that throws changes nothing, and is told so. */
function fold(jobs: Job<Request>[], raw: Raw): { next: Raw; settle(): void } {
  let next = raw;
  const outcomes: (() => void)[] = [];
  for (const { request, resolve, reject } of jobs) {
    try {
      const value = request.change(decodeValue(next));
      next = value === undefined ? null : encodeValue(value);
      outcomes.push(() => resolve(value));
    } catch (error) {
      outcomes.push(() => reject(error));
    }
  }
  return { next, settle: () => outcomes.forEach((tell) => tell()) };
}
