import { type Clock, systemClock } from "../common/clock.ts";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { checkedStore } from "./checked_store.ts";
import { KvBlobs } from "./kv_blobs.ts";
import { KvAtomicValues } from "./kv_atomic_values.ts";
import { KvClient } from "./kv_client.ts";
import { kvDictionary } from "./kv_dictionary.ts";
import { keyName } from "./kv_key.ts";
import { kvAcquire } from "./kv_lock.ts";
import { kvMemberSet } from "./kv_member_set.ts";
import { checkMessage, ProcessPubSub } from "./kv_pubsub.ts";
import { kvCountHit } from "./kv_rate_window.ts";
import { KvRelay } from "./kv_relay.ts";
import { kvSortedIndex } from "./kv_sorted_index.ts";
import { kvUpdateLog, logQueue, sweepExpiredLogs } from "./kv_update_log.ts";
import { kvValues } from "./kv_values.ts";
import { KvWriter } from "./kv_writer.ts";
import type { StateStore, StoreCapabilities } from "./state_store.ts";

const SWEEP_EVERY_MS = 5 * 60_000;
/** A file: Deno takes 100 checks, and SQLite one commit after the other. */
const FILE_LIMITS = { checks: 90, commitsUnderWay: 1, callsUnderWay: Infinity };
/** A KV Connect server refuses more than ten checks; smaller commits are made up for by more. */
const REMOTE_LIMITS = { checks: 10, commitsUnderWay: 8, callsUnderWay: 32 };

export interface KvStoreOptions {
  /** A file, `:memory:`, or the URL of a KV Connect server. Default: Deno Deploy's own database. */
  path?: string;
  /** What stands in front of every key. */
  keyPrefix: string;
  logger: Logger;
  /** Default: the system's. */
  clock?: Clock;
}

/** Whether a server holds the database: always where the platform chooses it. */
const isRemote = (path: string | undefined) => path === undefined || /^https?:/.test(path);

/**
 * What the relay watches. Of a server, a handle with a connection of its own: answers that share
 * one with a stream wait for each other, tens of milliseconds and more (Nagle's algorithm).
 */
async function openWatched(
  kv: Deno.Kv,
  path: string | undefined,
): Promise<Pick<Deno.Kv, "watch" | "close">> {
  if (isRemote(path)) return await Deno.openKv(path);
  return { watch: (...args) => kv.watch(...args), close: () => {} };
}

function capabilitiesOf(path: string | undefined): StoreCapabilities {
  if (path === ":memory:") return { name: "kv memory", shared: false, publishes: "process" };
  if (isRemote(path)) return { name: "kv connect", shared: true, publishes: "pushed" };
  return { name: "kv file", shared: false, publishes: "polled" };
}

/**
 * The state in Deno KV. The store owns its sweeper: at the opening and every five minutes it
 * collects loose parts and expired logs.
 *
 * @throws {AppError} `unavailable` when the store can't be opened.
 */
export async function openKvStore(options: KvStoreOptions): Promise<StateStore> {
  const { path, keyPrefix: prefix, logger, clock = systemClock } = options;
  const kv = await Deno.openKv(path).catch((cause) => {
    throw new AppError("unavailable", "The store can't be opened.", { cause });
  });
  const limits = isRemote(path) ? REMOTE_LIMITS : FILE_LIMITS;
  const client = new KvClient(kv, limits);
  const writer = new KvWriter(client, limits);
  const blobs = new KvBlobs(client, writer, prefix, clock);
  const atomics = new KvAtomicValues(client, writer, blobs, clock);
  const logs = { client, writer, blobs, clock, prefix, queue: logQueue() };
  const pubsub = new ProcessPubSub(logger);

  const capabilities = capabilitiesOf(path);
  const relay = path === ":memory:" ? undefined : new KvRelay({
    client,
    openWatched: () => openWatched(kv, path),
    prefix,
    pubsub,
    logger,
    isRemote: isRemote(path),
  });
  try {
    await relay?.start();
  } catch (error) {
    await client.close();
    throw error;
  }

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

  return checkedStore({
    get capabilities(): StoreCapabilities {
      // A file that several processes share may turn out to tell them of each other.
      return relay?.isPushed === true
        ? { ...capabilities, shared: true, publishes: "pushed" }
        : capabilities;
    },
    values: kvValues(atomics, prefix),
    dictionary: (key, more = {}) => kvDictionary(client, atomics, prefix, key, more),
    memberSet: (key, more = {}) => kvMemberSet(atomics, prefix, key, more),
    sortedIndex: (key) => kvSortedIndex(client, atomics, prefix, key),
    updateLog: (key, more) => kvUpdateLog(logs, key, more),
    acquire: (key, { ttlMs }) => kvAcquire(atomics, [prefix, "lock", keyName(key)], ttlMs),
    countHit: (key, window) =>
      kvCountHit(atomics, [prefix, "rate", keyName(key)], window, clock.nowMs()),
    publish: (channel, message) =>
      client.operation(async () => {
        checkMessage(message);
        pubsub.publish(keyName(channel), message);
        await relay?.publish(keyName(channel), message);
      }),
    subscribe: (channel, handlers) =>
      client.operation(() => Promise.resolve(pubsub.subscribe(keyName(channel), handlers))),
    ping: (timeoutMs) => client.ping(timeoutMs),
    stats: () => ({ roundTrips: client.roundTrips }),
    hasPeers: () => (relay?.others ?? 0) > 0,
    listenersHere: (channel) => pubsub.listeners(keyName(channel)),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      pubsub.clear();
      await relay?.[Symbol.asyncDispose]();
      await client.close();
      await sweeping;
    },
  }, logger);
}
