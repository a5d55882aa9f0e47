import type { Clock } from "../common/clock.ts";
import { retryConflicts } from "./conflict_retry.ts";
import { type Job, KeyedBatchQueue } from "./keyed_batch_queue.ts";
import { checkSize } from "./json_codec.ts";
import type { KvBlobs, Stored } from "./kv_blobs.ts";
import type { Entry, KvClient } from "./kv_client.ts";
import type { Commit, KvSet, KvWriter } from "./kv_writer.ts";
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

interface NewPack {
  sequence: number;
  bytes: Uint8Array;
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

/** The updates, each behind its length, behind what is packed already. */
function packBehind(packed: Uint8Array, updates: readonly Uint8Array[]): Uint8Array {
  let length = packed.length;
  for (const update of updates) length += update.length + 4;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set(packed);
  let at = packed.length;
  for (const update of updates) {
    view.setUint32(at, update.length);
    bytes.set(update, at + 4);
    at += update.length + 4;
  }
  return bytes;
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
  const again = { key: headKey, name: JSON.stringify(headKey) };
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
  function write(versionstamp: string | null, head: Head, packed?: NewPack): Promise<boolean> {
    head.expiresAt = ttlMs === undefined ? 0 : clock.nowMs() + ttlMs;
    const commit = {
      checks: [{ key: headKey, versionstamp }],
      sets: [{ key: headKey, value: head, bytes: head.tail.length + 200 }] as KvSet[],
      again,
    };
    if (ttlMs !== undefined) commit.sets.push({ key: marker, value: [...key], bytes: 200 });
    return packed === undefined ? writer.commit(commit) : writeWith(packed, commit);
  }

  async function writeWith({ sequence, bytes }: NewPack, commit: Commit): Promise<boolean> {
    const { stored, attach } = await blobs.prepare(bytes);
    const packBytes = "bytes" in stored ? stored.bytes.length + 64 : 64;
    const pack = { key: packKey(sequence), value: stored, bytes: packBytes };
    const isWritten = await writer.commit({
      ...commit,
      checks: [...commit.checks ?? [], ...attach.checks ?? []],
      sets: [...commit.sets ?? [], pack],
      deletes: attach.deletes ?? [],
    });
    if (!isWritten) await blobs.discard(stored);
    return isWritten;
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
    const known = writer.known(again.name);
    let reached = (known && await appendTo(known, updates)) ??
      await retryConflicts(async () => appendTo(await client.get(headKey), updates));
    jobs.forEach(({ resolve }, index) => resolve(reached += lists[index]?.length ?? 0));
  }

  /** Returns how long the log was before; `undefined` when the entry is not its head any more. */
  async function appendTo(entry: Entry, updates: Uint8Array[]): Promise<number | undefined> {
    const { head, versionstamp } = headOf(entry);
    const bytes = packBehind(head.tail, updates);
    const isFull = bytes.length > TAIL_BYTES;
    const next: Head = {
      epoch: head.epoch || crypto.randomUUID(),
      first: head.first,
      next: isFull ? head.next + 1 : head.next,
      length: head.length + updates.length,
      tail: isFull ? new Uint8Array() : bytes,
      expiresAt: 0,
    };
    const packed = isFull ? { sequence: head.next, bytes } : undefined;
    return await write(versionstamp, next, packed) ? head.length : undefined;
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
      const packed = { sequence: first, bytes: packBehind(new Uint8Array(), [snapshot, ...rest]) };
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
      const written = await writer.commit({ checks, deletes: [headKey, marker], again });
      return written ? stored?.next ?? Date.now() * 1_000 : undefined;
    });
    await collect(before);
  }

  const serve = (jobs: Job<Request>[]): Promise<void> =>
    jobs.every(({ request }) => request.kind === "append") ? append(jobs) : serveEach(jobs);

  async function serveEach(jobs: Job<Request>[]): Promise<void> {
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
      client.operation(() => {
        updates.forEach(checkSize);
        if (updates.length === 0) return readHead().then(({ head }) => head.length);
        return push<number>({ kind: "append", updates });
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
