import { AppError } from "../common/errors.ts";
import { deadline } from "../common/deadline.ts";
import type { DiskReserve } from "./disk_reserve.ts";
import { backOff, pause } from "../common/pause.ts";

const KEYS_PER_READ = 10;
const ENTRIES_PER_BATCH = 500;
const CALL_LIMIT_MS = 10_000;
const CLOSE_LIMIT_MS = 5_000;
const MAX_BUSY_TRIES = 40;
const BUSY_WAIT = { firstMs: 2, maxMs: 200 };

export type Entry = Deno.KvEntryMaybe<unknown>;

interface WaitingRead {
  key: Deno.KvKey;
  resolve(entry: Entry): void;
  reject(error: unknown): void;
}

const unavailable = (message: string, cause?: unknown) =>
  new AppError("unavailable", message, { cause });

export interface KvClientOptions {
  /** Calls that may be under way at once. Default: any number. */
  callsUnderWay?: number;
  /** Looks after the disk of a file, until the client is closed. Default: nobody does. */
  disk?: DiskReserve | undefined;
}

/** Deno KV with time limits, counted calls, grouped reads, and patience with a locked file. */
export class KvClient {
  roundTrips = 0;
  readonly #kv: Deno.Kv;
  readonly #maxCalls: number;
  readonly #disk: KvClientOptions["disk"];
  #calls = 0;
  /** Calls that wait for others to be answered. */
  readonly #line = new Set<() => void>();
  #reads: WaitingRead[] = [];
  #closing = false;
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(kv: Deno.Kv, { callsUnderWay = Infinity, disk }: KvClientOptions = {}) {
    this.#kv = kv;
    this.#disk = disk;
    this.#maxCalls = callsUnderWay;
  }

  /** Something that a caller asked for: begun before the end, it is finished before the end. */
  operation<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(unavailable("The store is closed."));
    let work: Promise<T>;
    try {
      work = run();
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    this.#running++;
    work.then(this.#ended, this.#ended);
    return work;
  }

  readonly #ended = (): void => {
    if (--this.#running === 0) this.#idle?.();
  };

  /** @throws {AppError} `unavailable` when the file stays locked or the store does not answer. */
  async call<T>(run: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    for (let tries = 0, waitMs = 0;; tries++) {
      this.roundTrips++;
      try {
        return await this.#inTurn(run);
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (!isBusy(error) || tries >= MAX_BUSY_TRIES) {
          this.#disk?.failed(error);
          throw unavailable("The store can't be reached.", error);
        }
        waitMs = backOff(waitMs, BUSY_WAIT);
        await pause(waitMs);
      }
    }
  }

  /**
   * A call that writes.
   *
   * @throws {AppError} `unavailable` as of `call`, and while the disk is full
   */
  async write<T>(run: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    this.#disk?.requireRoom();
    return await this.call(run);
  }

  /**
   * One call, once there is room for it. It keeps its place after its caller has given up: the
   * runtime repeats for ever what a KV Connect server does not answer, so that a server that is
   * away would otherwise be asked by more and more.
   */
  async #inTurn<T>(run: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const begin = async () => {
      this.#calls++;
      try {
        resolve(await run(this.#kv));
      } catch (error) {
        reject(error);
      }
      this.#calls--;
      const [next] = this.#line;
      if (next === undefined) return;
      this.#line.delete(next);
      next();
    };
    if (this.#calls < this.#maxCalls) void begin();
    else this.#line.add(begin);
    try {
      return await inTime(promise, CALL_LIMIT_MS);
    } finally {
      this.#line.delete(begin);
    }
  }

  /** Reads one entry; what is asked for in one turn is read together, ten keys a call. */
  get(key: Deno.KvKey): Promise<Entry> {
    return new Promise((resolve, reject) => {
      if (this.#reads.push({ key, resolve, reject }) === 1) queueMicrotask(() => this.#readAll());
    });
  }

  #readAll(): void {
    const waiting = this.#reads;
    this.#reads = [];
    for (let at = 0; at < waiting.length; at += KEYS_PER_READ) {
      void this.#readGroup(waiting.slice(at, at + KEYS_PER_READ));
    }
  }

  /** Never rejects. */
  async #readGroup(group: WaitingRead[]): Promise<void> {
    try {
      const entries = await this.call((kv) => kv.getMany<unknown[]>(group.map(({ key }) => key)));
      group.forEach(({ resolve }, index) => resolve(entries[index] as Entry));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  /** The entries of a range, at most `limit`. One call for every 500. */
  async list(
    selector: Deno.KvListSelector,
    options: { limit: number; reverse?: boolean },
  ): Promise<Deno.KvEntry<unknown>[]> {
    const batchSize = Math.max(1, Math.min(ENTRIES_PER_BATCH, options.limit));
    const entries = await this.call(async (kv) => {
      const found: Deno.KvEntry<unknown>[] = [];
      for await (const entry of kv.list(selector, { ...options, batchSize })) found.push(entry);
      return found;
    });
    this.roundTrips += Math.max(0, Math.ceil(entries.length / batchSize) - 1);
    return entries;
  }

  /** Writes what nobody reads: a store that can only be read is of no use. */
  async ping(key: Deno.KvKey, timeoutMs: number): Promise<void> {
    const probe = () => this.write((kv) => kv.set(key, Date.now()));
    await this.operation(() => inTime(probe(), timeoutMs));
  }

  /** Refuses what comes now, finishes what has begun, closes. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    try {
      if (this.#running > 0) {
        const idle = new Promise<void>((resolve) => this.#idle = resolve);
        await inTime(idle, CLOSE_LIMIT_MS);
      }
    } finally {
      this.#disk?.[Symbol.dispose]();
      this.#kv.close();
    }
  }
}

/** A locked file, or a server that asks for patience; other failures of a server Deno itself repeats. */
function isBusy(error: unknown): boolean {
  return error instanceof Error &&
    /SQLITE_BUSY|database is locked|busy|status=429/i.test(error.message);
}

function inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  return deadline(work, limitMs, () => unavailable("The store did not answer."));
}
