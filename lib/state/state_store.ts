/**
 * The one door to shared state. Drivers: Deno KV (memory, file, KV Connect) and Redis (standalone,
 * Sentinel, Cluster). All of them pass `tests/state/state_store_contract.ts`.
 *
 * Each operation is atomic on one key and on nothing more: a Redis Cluster promises no more than
 * that, so no caller may rely on more. Where two keys belong together, a record is the truth and an
 * index is a hint: write the index before the record, delete the record before the index, and skip
 * an index entry whose record is gone.
 *
 * Errors: `AppError("unavailable")` when the store can't be reached within its time limit,
 * `AppError("conflict")` when an `update` loses too many races, `AppError("too_large")` for a
 * value over {@linkcode MAX_VALUE_BYTES}.
 */

import type { RecordSchema } from "./records.ts";

/**
 * Where something is kept: the parts of its name, from the general to the particular. Made by
 * `key_space.ts` only. Redis joins them with `:` behind the prefix, KV keeps them apart.
 */
export type StateKey = readonly string[];

/** Carries the schema of a key, see {@linkcode Key}. */
export const SCHEMA = Symbol("schema");

/**
 * The key of a value, or of a dictionary's values, which knows what is kept there. What is read is
 * parsed: a record of another shape, which another version or a damaged store may have left, is
 * logged once and counts as absent. Without a schema, whatever is there is read.
 */
export interface Key<T> extends StateKey {
  readonly [SCHEMA]?: RecordSchema<T>;
}

/** Anything that JSON can carry. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };

/** The largest value that any driver takes, in bytes of JSON. */
export const MAX_VALUE_BYTES = 32 * 1024 * 1024;

/**
 * Given the current value (or `undefined`), returns the new one, or `undefined` to delete it. A
 * record of another shape stays when its change makes nothing of nothing.
 */
export type Change<T> = (current: T | undefined) => T | undefined;

export interface Expiry {
  /** The entry lives at least this long after it was last written. Default: for ever. */
  ttlMs?: number;
}

/** Single values of any size under keys of their own: users, chats, revocations. */
export interface ValueStore {
  get<T>(key: Key<T>): Promise<T | undefined>;
  /** The values in the order of the keys. */
  getMany<T>(keys: readonly Key<T>[]): Promise<(T | undefined)[]>;
  set<T>(key: Key<T>, value: NoInfer<T>, options?: Expiry): Promise<void>;
  /** Writes only if nothing is there; says whether it did. */
  setIfAbsent<T>(key: Key<T>, value: NoInfer<T>, options?: Expiry): Promise<boolean>;
  /**
   * Changes the value atomically and returns what is stored now. `change` must be pure: it is
   * called again when another writer was faster.
   */
  update<T>(key: Key<T>, change: Change<NoInfer<T>>, options?: Expiry): Promise<T | undefined>;
  delete(key: StateKey): Promise<void>;
  /**
   * The keys of values that have just one part more than `family`, a page at a time, in no order: for
   * migrations and exports, as Redis walks all its keys for it. A value that is there from the
   * beginning to the end of the walk is named, perhaps more than once.
   */
  names(family: StateKey): AsyncGenerator<StateKey[]>;
}

/** A map of fields to JSON values under one key: pools and registries (a Redis HASH). */
export interface Dictionary<T> {
  get(field: string): Promise<T | undefined>;
  getMany(fields: readonly string[]): Promise<(T | undefined)[]>;
  set(field: string, value: T): Promise<void>;
  /** Writes all entries, in as few round trips as the driver can. Each entry is atomic by itself. */
  setMany(entries: Iterable<readonly [field: string, value: T]>): Promise<void>;
  /** As {@linkcode ValueStore.update}, for one field. */
  update(field: string, change: Change<T>): Promise<T | undefined>;
  /** Deletes the fields; returns how many of them were there. */
  delete(...fields: string[]): Promise<number>;
  /**
   * Walks all entries a page at a time, never holding the event loop for longer than a page. An
   * entry that is there during the whole walk is seen once; one that comes or goes may be seen or not.
   */
  scan(options?: { pageSize?: number }): AsyncIterable<(readonly [field: string, value: T])[]>;
  clear(): Promise<void>;
}

/** A set of strings under one key (a Redis SET). */
export interface MemberSet {
  /** Adds the members; returns how many were new. */
  add(...members: string[]): Promise<number>;
  /** Removes the members; returns how many were there and how many are left, as one atomic step. */
  remove(...members: string[]): Promise<{ removed: number; left: number }>;
  has(member: string): Promise<boolean>;
  members(): Promise<string[]>;
  clear(): Promise<void>;
}

/** One entry of a {@linkcode SortedIndex}. */
export interface IndexEntry {
  member: string;
  score: number;
}

export interface IndexPage {
  entries: IndexEntry[];
  /** Where the next page starts, `undefined` on the last one. */
  cursor: string | undefined;
}

export interface IndexPageOptions {
  /** At most this many entries. Default: 50. */
  limit?: number;
  /** The cursor of the page before; opaque. A cursor that is no cursor: `AppError("invalid_payload")`. */
  cursor?: string;
  /** From the highest score down. Default: `false`. */
  descending?: boolean;
  /** Only scores from here on (inclusive). `NaN`: `AppError("invalid_payload")`. Default: -Infinity. */
  min?: number;
  /** Only scores up to here (inclusive). `NaN`: `AppError("invalid_payload")`. Default: Infinity. */
  max?: number;
}

/** Members ordered by a score, for paging and for finding what is due (a Redis ZSET). */
export interface SortedIndex {
  /** Adds the members, or moves them to their new score: a finite one, or `AppError("invalid_payload")`. */
  put(...entries: IndexEntry[]): Promise<void>;
  remove(...members: string[]): Promise<void>;
  score(member: string): Promise<number | undefined>;
  /** A page in the order of score, then member. Costs what the page holds, not what the index holds. */
  page(options?: IndexPageOptions): Promise<IndexPage>;
  /** How many scores lie in the range, counted up to `limit` and no further. */
  count(options: { min?: number; max?: number; limit: number }): Promise<number>;
  clear(): Promise<void>;
}

/** Binary updates in the order they came, under one key (a Redis LIST). */
export interface UpdateLog {
  /** Appends the updates, in order and together; returns how many entries the log holds now. */
  append(...updates: Uint8Array[]): Promise<number>;
  read(): Promise<Uint8Array[]>;
  length(): Promise<number>;
  /**
   * Replaces the oldest `count` entries by what `merge` makes of them, as one atomic step: an entry
   * appended meanwhile stays behind the snapshot. Returns `false`, and changes nothing, when the log
   * is shorter or somebody else replaced its head meanwhile.
   */
  compact(
    count: number,
    merge: (oldest: Uint8Array[]) => Uint8Array | Promise<Uint8Array>,
  ): Promise<boolean>;
  clear(): Promise<void>;
}

/** A lock that is held. Its end is `release` (or `await using`), or the end of its time. */
export interface HeldLock extends AsyncDisposable {
  readonly owner: string;
  /** Extends the lock by its full time; `false` when it has been lost to time or to another. */
  renew(): Promise<boolean>;
  /** Gives the lock back if it is still ours; a lock that is gone or another's is left alone. */
  release(): Promise<void>;
}

/** A rolling window, counted in buckets. */
export interface RateWindow {
  windowMs: number;
  /** How fine the window rolls; divides `windowMs`. */
  bucketMs: number;
}

export interface StoreStats {
  /** Requests that were sent to the store since it was opened; what is sent together counts once. */
  roundTrips: number;
}

export interface CollectionOptions {
  /**
   * Entries live at least this long after they (or, where the store keeps time by key, the
   * collection) were last written. Default: for ever.
   */
  ttlMs?: number;
  /** Fields are written once as a rule, so a driver need not look first what a write replaces. */
  isWrittenOnce?: boolean;
}

export interface StateStore extends AsyncDisposable {
  /** For logs: `kv memory`, `kv file`, `kv connect`, `redis`, `redis sentinel`, `redis cluster`. */
  readonly name: string;
  readonly values: ValueStore;
  dictionary<T>(key: Key<T>, options?: CollectionOptions): Dictionary<T>;
  memberSet(key: StateKey, options?: CollectionOptions): MemberSet;
  sortedIndex(key: StateKey): SortedIndex;
  updateLog(key: StateKey, options?: CollectionOptions): UpdateLog;
  /** Takes the lock for `ttlMs`, or returns `undefined` at once when somebody holds it. */
  acquire(key: StateKey, options: { ttlMs: number }): Promise<HeldLock | undefined>;
  /** Counts one hit and returns how many the rolling window holds now, this one included. */
  countHit(key: StateKey, window: RateWindow): Promise<number>;
  /** Asks the store for a sign of life. Throws `AppError("unavailable")` after `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  stats(): StoreStats;
}
