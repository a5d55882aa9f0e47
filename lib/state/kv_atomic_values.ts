import type { Clock } from "../common/clock.ts";
import { retryConflicts } from "./conflict_retry.ts";
import { type Job, KeyedBatchQueue } from "./keyed_batch_queue.ts";
import { decodeJson, decodeLarge, encodeJson, encodeLarge } from "./json_codec.ts";
import { type KvBlobs, PART_BYTES, type Prepared, type Stored, storedIn } from "./kv_blobs.ts";
import type { Entry, KvClient } from "./kv_client.ts";
import { checkKey } from "./kv_key.ts";
import type { Commit, KvSet, KvWriter } from "./kv_writer.ts";
import type { Change } from "./state_store.ts";

const ENVELOPE_BYTES = 64;

/** What a change returns to leave the value as it is. */
export const KEEP = Symbol("keep");

/** What a change of a value makes of it, and what its caller is told. */
export interface Outcome<T, R> {
  next: T | undefined | typeof KEEP;
  result: R;
}

/** A change that always writes, and tells what is stored then. */
export const applied =
  <T>(change: Change<T>) => (current: T | undefined): Outcome<T, T | undefined> => {
    const next = change(current);
    return { next, result: next };
  };

export interface WriteOptions {
  ttlMs?: number;
  /** More writes that belong to this change of the value: the order of an index. */
  alongside?(before: unknown, after: unknown): Commit;
}

/** A key, and the text by which what concerns it is found in memory. */
interface NamedKey {
  key: Deno.KvKey;
  name: string;
}

interface AtomicChange {
  change(current: unknown): Outcome<unknown, unknown>;
  options: WriteOptions;
}

/**
 * Single JSON values under single keys, changed atomically: the ground of all other structures.
 *
 * All writes of a value within the process pass one queue and are folded: what waits is applied in
 * order to one reading and written once, under a check against other processes. A write must know
 * what it replaces, which may have parts to delete: what this process itself wrote last is tried
 * first, and only if that is not known, or not true any more, is it read.
 */
export class KvAtomicValues {
  readonly #client: KvClient;
  readonly #writer: KvWriter;
  readonly #blobs: KvBlobs;
  readonly #clock: Clock;
  readonly #queue = new KeyedBatchQueue<AtomicChange>();

  constructor(client: KvClient, writer: KvWriter, blobs: KvBlobs, clock: Clock) {
    this.#client = client;
    this.#writer = writer;
    this.#blobs = blobs;
    this.#clock = clock;
  }

  read<T>(key: Deno.KvKey): Promise<T | undefined> {
    return this.#client.operation(async () => {
      checkKey(key);
      return await this.decode<T>(await this.#client.get(key));
    });
  }

  /** The value of an entry that was read; reads again when its parts were replaced meanwhile. */
  async decode<T>(entry: Entry | Deno.KvEntry<unknown>): Promise<T | undefined> {
    let current: Entry | Deno.KvEntry<unknown> = entry;
    const found = await retryConflicts(async () => {
      const stored = this.#live(current.value);
      if (stored === undefined) return { value: undefined };
      const bytes = await this.#blobs.load(stored);
      if (bytes !== undefined) return { value: await decodeLarge<T>(bytes) };
      current = await this.#client.get(entry.key);
      return undefined;
    });
    return found.value;
  }

  /** The values of entries that were read together. One that is whole costs no promise. */
  async decodeAll<T>(entries: readonly Deno.KvEntry<unknown>[]): Promise<(T | undefined)[]> {
    return await Promise.all(entries.map((entry) => {
      const stored = this.#live(entry.value);
      if (stored === undefined) return undefined;
      return "bytes" in stored ? decodeJson<T>(stored.bytes) : this.decode<T>(entry);
    }));
  }

  change<T, R>(
    key: Deno.KvKey,
    change: (current: T | undefined) => Outcome<T, R>,
    options: WriteOptions = {},
  ): Promise<R> {
    const request = { change: change as AtomicChange["change"], options };
    return this.#client.operation(() => {
      const at = { key: checkKey(key), name: JSON.stringify(key) };
      return this.#queue.push<R>(at.name, request, (jobs) => this.#serve(at, jobs));
    });
  }

  /**
   * Writes a value that is the same whenever it is written: what it replaces is not looked at, unless
   * that may have parts of its own.
   */
  writeOnce<T>(key: Deno.KvKey, value: T, options: Pick<WriteOptions, "ttlMs">): Promise<void> {
    return this.#client.operation(() => {
      checkKey(key);
      const bytes = encodeJson(value);
      if (bytes.length > PART_BYTES) {
        return this.change<T, void>(key, () => ({ next: value, result: undefined }), options);
      }
      const { ttlMs } = options;
      const expiresAt = ttlMs === undefined ? 0 : this.#clock.nowMs() + ttlMs;
      const stored: Stored = { expiresAt, bytes };
      const set = { key, value: stored, bytes: bytes.length + ENVELOPE_BYTES, expireIn: ttlMs };
      return this.#writer.commit({ sets: [set] }).then(() => {});
    });
  }

  #live(value: unknown): Stored | undefined {
    const stored = storedIn(value);
    if (stored === undefined) return undefined;
    return stored.expiresAt > 0 && stored.expiresAt <= this.#clock.nowMs() ? undefined : stored;
  }

  async #serve(at: NamedKey, jobs: Job<AtomicChange>[]): Promise<void> {
    const known = this.#writer.known(at.name);
    const settle = known && await this.#attempt(at, known, jobs, false) ||
      await retryConflicts(async () =>
        this.#attempt(at, await this.#client.get(at.key), jobs, true)
      );
    settle();
  }

  /**
   * Applies the changes to the entry; `undefined` when the store holds something else by now. Waits for
   * nothing but the commit where the value stands in its entry.
   */
  async #attempt(
    at: NamedKey,
    entry: Entry,
    jobs: Job<AtomicChange>[],
    isRead: boolean,
  ): Promise<(() => void) | undefined> {
    const old = storedIn(entry.value);
    const isWhole = old === undefined || "bytes" in old;
    // Parts that were replaced meanwhile are read anew; the check below then fails, and it is tried again.
    const before = isWhole ? this.#wholeIn(old) : await this.decode(entry);
    const { value: after, writer, settle } = fold(jobs, before);
    // What leaves the value as it is has no check to tell whether the entry is still what is stored.
    if (writer === undefined) return isRead ? settle : undefined;
    const { ttlMs, alongside } = writer;
    const expiresAt = ttlMs === undefined ? 0 : this.#clock.nowMs() + ttlMs;
    const preparing = after === undefined ? undefined : this.#prepare(after, expiresAt);
    const prepared = preparing instanceof Promise ? await preparing : preparing;
    const commit = commitOf(at, entry.versionstamp, prepared, ttlMs);
    const more = alongside?.(before, after);
    if (more) commit.sets.push(...more.sets ?? []);
    if (more) commit.deletes.push(...more.deletes ?? []);
    if (!isWhole) commit.sets.push(...this.#blobs.detach(old));
    const isWritten = await this.#writer.commit(commit);
    const unused = isWritten ? old : prepared?.stored;
    if (unused && !("bytes" in unused)) await this.#blobs.discard(unused);
    return isWritten ? settle : undefined;
  }

  #wholeIn(stored: Stored | undefined): unknown {
    const live = this.#live(stored);
    return live && "bytes" in live ? decodeJson(live.bytes) : undefined;
  }

  #prepare(value: unknown, expiresAt: number): Prepared | Promise<Prepared> {
    const bytes = encodeLarge(value);
    if (!(bytes instanceof Promise)) return this.#blobs.prepare(bytes, expiresAt);
    return bytes.then((encoded) => this.#blobs.prepare(encoded, expiresAt));
  }
}

/** What writes or deletes the value, unless somebody has done so since the version. */
function commitOf(
  { key, name }: NamedKey,
  versionstamp: string | null,
  prepared: Prepared | undefined,
  expireIn: number | undefined,
) {
  const again = { key, name };
  const check = { key, versionstamp };
  if (!prepared) return { checks: [check], sets: [] as KvSet[], deletes: [key], again };
  const { stored, attach } = prepared;
  const bytes = ("bytes" in stored ? stored.bytes.length : 0) + ENVELOPE_BYTES;
  return {
    checks: [check, ...attach.checks ?? []],
    sets: [{ key, value: stored, bytes, expireIn }] as KvSet[],
    deletes: [...attach.deletes ?? []],
    again,
  };
}

/** The outcome of all changes together. One that throws is left out, and told so at the end. */
function fold(jobs: Job<AtomicChange>[], current: unknown) {
  let value = current;
  let writer: WriteOptions | undefined;
  const tell: (() => void)[] = [];
  for (const { request, resolve, reject } of jobs) {
    try {
      const { next, result } = request.change(value);
      if (next !== KEEP) {
        // The next change meets what a reader would: plain JSON of its own. Who comes alone has no next.
        value = next === undefined || jobs.length === 1 ? next : decodeJson(encodeJson(next));
        writer = request.options;
      }
      tell.push(() => resolve(result));
    } catch (error) {
      tell.push(() => reject(error));
    }
  }
  return { value, writer, settle: () => tell.forEach((one) => one()) };
}
