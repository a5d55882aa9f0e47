import { type Clock, systemClock } from "../common/clock.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { checkedStore } from "./checked_store.ts";
import { KvBlobs } from "./kv_blobs.ts";
import { KvAtomicValues } from "./kv_atomic_values.ts";
import { type KvDatabase, openKvDatabase } from "./kv_database.ts";
import { kvDictionary } from "./kv_dictionary.ts";
import { keyName } from "./kv_key.ts";
import { kvAcquire } from "./kv_lock.ts";
import { kvMemberSet } from "./kv_member_set.ts";
import { kvCountHit } from "./kv_rate_window.ts";
import { kvSortedIndex } from "./kv_sorted_index.ts";
import { kvUpdateLog, logQueue, sweepExpiredLogs } from "./kv_update_log.ts";
import { kvValues } from "./kv_values.ts";
import { KvWriter } from "./kv_writer.ts";
import type { StateStore } from "./state_store.ts";

const SWEEP_EVERY_MS = 5 * 60_000;

export interface KvStoreOptions {
  /** A file, `:memory:`, or the URL of a KV Connect server. Default: Deno Deploy's own database. */
  path?: string;
  /** What stands in front of every key. */
  keyPrefix: string;
  logger: Logger;
  /** Default: the system's. */
  clock?: Clock;
}

/** The state, and the database that holds it: the bus may share it, and is closed first. */
export interface KvStore extends StateStore {
  readonly database: KvDatabase;
}

/**
 * The state in Deno KV. The store owns its sweeper: at the opening and every five minutes it
 * collects loose parts and expired logs.
 *
 * @throws {AppError} `unavailable` when the store can't be opened.
 */
export async function openKvStore(options: KvStoreOptions): Promise<KvStore> {
  const { path, keyPrefix: prefix, logger, clock = systemClock } = options;
  const database = await openKvDatabase(path, logger);
  const { client, limits } = database;
  const writer = new KvWriter(client, limits);
  const blobs = new KvBlobs(client, writer, prefix, clock);
  const atomics = new KvAtomicValues(client, writer, blobs, clock);
  const logs = { client, writer, blobs, clock, prefix, queue: logQueue() };

  const sweep = async () => {
    try {
      await client.operation(async () => {
        await blobs.sweepLooseParts();
        await sweepExpiredLogs(logs);
      });
    } catch (error) {
      logger.warn("sweep of the store failed", { error: errorText(error) });
    }
  };
  let sweeping = sweep();
  const timer = setInterval(() => sweeping = sweeping.then(sweep), SWEEP_EVERY_MS);

  const store = checkedStore({
    name: database.name,
    values: kvValues(client, atomics, prefix),
    dictionary: (key, more = {}) => kvDictionary(client, atomics, prefix, key, more),
    memberSet: (key, more = {}) => kvMemberSet(atomics, prefix, key, more),
    sortedIndex: (key) => kvSortedIndex(client, atomics, prefix, key),
    updateLog: (key, more) => kvUpdateLog(logs, key, more),
    acquire: (key, { ttlMs }) => kvAcquire(atomics, clock, [prefix, "lock", keyName(key)], ttlMs),
    countHit: (key, window) =>
      kvCountHit(atomics, [prefix, "rate", keyName(key)], window, clock.nowMs()),
    ping: (timeoutMs) => client.ping([prefix, "probe"], timeoutMs),
    stats: () => ({ roundTrips: client.roundTrips }),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await client.close();
      await sweeping;
    },
  }, logger);
  return { ...store, database };
}
