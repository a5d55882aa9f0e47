import { Buffer } from "node:buffer";
import type { Clock } from "../common/clock.ts";
import { retryConflicts } from "./conflict_retry.ts";
import { type Job, KeyedBatchQueue } from "./keyed_batch_queue.ts";
import { checkSize } from "./json_codec.ts";
import type { KvBlobs, Stored } from "./kv_blobs.ts";
import type { Entry, KvClient } from "./kv_client.ts";
import type { Commit, KvWriter } from "./kv_writer.ts";
import { checkKey, keyName } from "./kv_key.ts";
import type { CollectionOptions, StateKey, UpdateLog } from "./state_store.ts";

/**
 * The newest updates wait in the head up to this size, then become a pack. Every append writes the
 * head anew: a larger one costs each keystroke more, a smaller one each opening.
 */
const TAIL_BYTES = 2 * 1024;
const MAX_PACKS_PER_LIST = 100_000;

interface Head {
  /** Changes with every compaction: the name of what stands at the beginning. */
  epoch: string;
  /** Packs from `first` to before `next` belong to the log; all others are garbage. */
  first: number;
  next: number;
  length: number;
  tail: Uint8Array;
  expiresAt: number;
}

interface Pack {
  sequence: number;
  stored: Stored;
  updates: Uint8Array[];
}

interface Log {
  head: Head;
  versionstamp: string | null;
  packs: Pack[];
}

type Request =
  | { kind: "append"; updates: Uint8Array[] }
  | { kind: "compact"; count: number; epoch: string; snapshot: Uint8Array }
  | { kind: "clear"; onlyExpired: boolean };

/** The queues of all logs of a store: handles of one log share one queue. */
export type LogQueue = KeyedBatchQueue<Request>;
export const logQueue = (): LogQueue => new KeyedBatchQueue<Request>();

export interface LogParts {
  client: KvClient;
  writer: KvWriter;
  blobs: KvBlobs;
  clock: Clock;
  queue: LogQueue;
  prefix: string;
}

function pack(updates: Uint8Array[]): Uint8Array {
  const bytes = Buffer.alloc(updates.reduce((sum, update) => sum + update.length + 4, 0));
  let at = 0;
  for (const update of updates) {
    at = bytes.writeUInt32BE(update.length, at);
    bytes.set(update, at);
    at += update.length;
  }
  return new Uint8Array(bytes);
}

function unpack(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const updates: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + view.getUint32(at);
    updates.push(bytes.slice(at + 4, end));
    at = end;
  }
  return updates;
}

/**
 * A head with the newest updates inside, and immutable packs of older ones. Every change is one
 * commit that checks the head, so a reader who finds the epoch unchanged has seen one state. A
 * compaction writes the snapshot as a new pack behind which the log begins; what lies before it is
 * deleted afterwards, and after a crash by the next compaction or `clear`.
 */
export function kvUpdateLog(
  { client, writer, blobs, clock, queue, prefix }: LogParts,
  key: StateKey,
  { ttlMs }: CollectionOptions = {},
): UpdateLog & { clearIfExpired(): Promise<void> } {
  const name = keyName(key);
  const headKey = checkKey([prefix, "log", name, "head"]);
  const packKey = (sequence: number) => [prefix, "log", name, "pack", sequence];
  const marker = [prefix, "log_expiry", name];

  const readHead = async () => headOf(await client.get(headKey));

  function headOf({ value, versionstamp }: Entry) {
    const stored = value as Head | null;
    const live = stored !== null && (stored.expiresAt === 0 || stored.expiresAt > clock.nowMs());
    // A number that no earlier log of this name has used: what is left of one is never met again.
    const next = stored?.next ?? Date.now() * 1_000;
    const empty = { epoch: "", first: next, next, length: 0, tail: new Uint8Array(), expiresAt: 0 };
    return { head: live ? stored : empty, versionstamp };
  }

  const readLog = (): Promise<Log> =>
    retryConflicts(async () => {
      const { head, versionstamp } = await readHead();
      const packs: Pack[] = [];
      if (head.first < head.next) {
        const range = { start: packKey(head.first), end: packKey(head.next) };
        for (const entry of await client.list(range, { limit: MAX_PACKS_PER_LIST })) {
          const stored = entry.value as Stored;
          const bytes = await blobs.load(stored);
          if (bytes === undefined) return undefined;
          packs.push({ sequence: Number(entry.key.at(-1)), stored, updates: unpack(bytes) });
        }
        if ((await readHead()).head.epoch !== head.epoch) return undefined;
      }
      return { head, versionstamp, packs };
    });

  const all = ({ head, packs }: Log) => [
    ...packs.flatMap(({ updates }) => updates),
    ...unpack(head.tail),
  ];

  /** Writes the head and, if there is one, a pack; says whether it was first. */
  async function write(
    versionstamp: string | null,
    head: Head,
    packed?: { sequence: number; bytes: Uint8Array },
  ): Promise<boolean> {
    head.expiresAt = ttlMs === undefined ? 0 : clock.nowMs() + ttlMs;
    const blob = packed === undefined ? undefined : await blobs.prepare(packed.bytes);
    const commit: Commit = {
      checks: [{ key: headKey, versionstamp }, ...blob?.attach.checks ?? []],
      deletes: blob?.attach.deletes ?? [],
      sets: [{ key: headKey, value: head, bytes: head.tail.length + 200 }],
      again: headKey,
    };
    if (packed !== undefined && blob !== undefined) {
      const bytes = "bytes" in blob.stored ? blob.stored.bytes.length + 64 : 64;
      commit.sets?.push({ key: packKey(packed.sequence), value: blob.stored, bytes });
    }
    if (ttlMs !== undefined) commit.sets?.push({ key: marker, value: [...key], bytes: 200 });
    const written = await writer.commit(commit);
    if (!written) await blobs.discard(blob?.stored);
    return written;
  }

  /** Deletes the packs before the log's beginning. */
  async function collect(before: number): Promise<void> {
    const range = { start: [prefix, "log", name, "pack"], end: packKey(before) };
    for (const entry of await client.list(range, { limit: MAX_PACKS_PER_LIST })) {
      const stored = entry.value as Stored;
      await writer.commit({ deletes: [entry.key], sets: blobs.detach(stored) });
      await blobs.discard(stored);
    }
  }

  async function append(jobs: Job<Request>[]): Promise<void> {
    const lists = jobs.map(({ request }) => request.kind === "append" ? request.updates : []);
    const updates = lists.flat();
    /** Returns how long the log was before; `undefined` when the entry is not its head any more. */
    const attempt = async (entry: Entry): Promise<number | undefined> => {
      const { head, versionstamp } = headOf(entry);
      const next = { ...head, epoch: head.epoch || crypto.randomUUID() };
      next.length += updates.length;
      const bytes = new Uint8Array(Buffer.concat([head.tail, pack(updates)]));
      if (bytes.length <= TAIL_BYTES) {
        return await write(versionstamp, { ...next, tail: bytes }) ? head.length : undefined;
      }
      const moved = { ...next, next: head.next + 1, tail: new Uint8Array() };
      const packed = { sequence: head.next, bytes };
      return await write(versionstamp, moved, packed) ? head.length : undefined;
    };
    const known = writer.known(headKey);
    let reached = (known && await attempt(known)) ??
      await retryConflicts(async () => attempt(await client.get(headKey)));
    jobs.forEach(({ resolve }, index) => resolve(reached += lists[index]?.length ?? 0));
  }

  async function compact(count: number, epoch: string, snapshot: Uint8Array): Promise<boolean> {
    const done = await retryConflicts(async () => {
      const log = await readLog();
      if (log.head.epoch !== epoch) return { written: false, first: 0 };
      // One new pack behind all others: the snapshot and what is left of the log, as it is now.
      const rest = all(log).slice(count);
      const first = log.head.next;
      const head: Head = {
        ...log.head,
        epoch: crypto.randomUUID(),
        first,
        next: first + 1,
        length: rest.length + 1,
        tail: new Uint8Array(),
      };
      const packed = { sequence: first, bytes: pack([snapshot, ...rest]) };
      return await write(log.versionstamp, head, packed) ? { written: true, first } : undefined;
    });
    if (done.written) await collect(done.first);
    return done.written;
  }

  async function clear(onlyExpired: boolean): Promise<void> {
    const before = await retryConflicts(async () => {
      const { value, versionstamp } = await client.get(headKey);
      const stored = value as Head | null;
      const live = stored !== null && (stored.expiresAt === 0 || stored.expiresAt > clock.nowMs());
      if (onlyExpired && live) return 0;
      const checks = [{ key: headKey, versionstamp }];
      const written = await writer.commit({ checks, deletes: [headKey, marker], again: headKey });
      return written ? stored?.next ?? Date.now() * 1_000 : undefined;
    });
    await collect(before);
  }

  async function serve(jobs: Job<Request>[]): Promise<void> {
    let appends: Job<Request>[] = [];
    const flush = async () => {
      const batch = appends;
      appends = [];
      if (batch.length > 0) await append(batch);
    };
    for (const job of jobs) {
      if (job.request.kind === "append") {
        appends.push(job);
        continue;
      }
      await flush();
      const { request } = job;
      if (request.kind === "clear") job.resolve(await clear(request.onlyExpired));
      else job.resolve(await compact(request.count, request.epoch, request.snapshot));
    }
    await flush();
  }

  const push = <R>(request: Request) => queue.push<R>(name, request, serve);
  return {
    append: (...updates) =>
      client.operation(async () => {
        updates.forEach(checkSize);
        if (updates.length === 0) return (await readHead()).head.length;
        return await push<number>({ kind: "append", updates });
      }),
    read: () => client.operation(async () => all(await readLog())),
    length: () => client.operation(async () => (await readHead()).head.length),
    compact: (count, merge) =>
      client.operation(async () => {
        const log = await readLog();
        if (count < 1 || log.head.length < count) return false;
        const snapshot = await merge(all(log).slice(0, count));
        checkSize(snapshot);
        return await push<boolean>({ kind: "compact", count, epoch: log.head.epoch, snapshot });
      }),
    clear: () => client.operation(() => push<void>({ kind: "clear", onlyExpired: false })),
    clearIfExpired: () => push<void>({ kind: "clear", onlyExpired: true }),
  };
}

/** Clears the logs whose time is over; at most 500 a call. Called by the store's sweep. */
export async function sweepExpiredLogs(parts: LogParts): Promise<void> {
  const { client, prefix } = parts;
  for (const entry of await client.list({ prefix: [prefix, "log_expiry"] }, { limit: 500 })) {
    const key = entry.value as string[];
    await kvUpdateLog(parts, key).clearIfExpired();
  }
}
