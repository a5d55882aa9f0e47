import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";
import type { KvDatabase } from "../state/kv_database.ts";
import { KvRelayLog, SIGNED_OFF } from "./kv_relay_log.ts";
import { KvWatch } from "./kv_watch.ts";
import type { LocalChannels } from "./local_channels.ts";

/** How often a process that is alone looks for others. */
const LONE_MS = 500;
/** By then, whoever was alone has seen the newcomer. */
const MEETING_MS = 750;
const BUSY_POLL_MS = 10;
const IDLE_POLL_MS = 50;
const BUSY_FOR_MS = 1_000;
/** Where a watch tells of others, a look now and then is enough. */
const WATCHED_POLL_MS = 5_000;
/** How much later than the news itself the watch may tell of it. */
const LATE_WATCH_MS = 1_000;
const SIGN_EVERY_MS = 15_000;
const SILENT_FOR_MS = 60_000;
const FORGET_AFTER_MS = 10 * 60_000;

interface Writer {
  /** The last entry of its log that was read. */
  read: number;
  sign: string;
  changedAtMs: number;
}

export interface KvRelayOptions {
  database: KvDatabase;
  prefix: string;
  /** Where what others say is delivered. */
  local: LocalChannels;
  logger: Logger;
}

/**
 * Messages between processes that share a Deno KV. Each process has a log, which it alone appends
 * to, so that writers never conflict; every process reads the logs of all others. A KV Connect
 * server tells that there is something to read; who shares a local file asks, because its watch
 * tells nothing of other processes (Deno 2.9.6).
 *
 * A process that sees no other writes nothing; one that joins waits until it has been seen.
 */
export class KvRelay implements AsyncDisposable {
  readonly #local: LocalChannels;
  readonly #logger: Logger;
  readonly #log: KvRelayLog;
  readonly #writers = new Map<string, Writer>();
  readonly #stop = new AbortController();
  readonly #watch: KvWatch | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #nap = new AbortController();
  #isWoken = false;
  #hasLooked = false;
  #busyUntilMs = 0;
  #signedAtMs = -Infinity;

  constructor({ database, prefix, local, logger }: KvRelayOptions) {
    this.#local = local;
    this.#logger = logger;
    this.#log = new KvRelayLog(database.client, prefix);
    this.#watch = database.isRemote
      ? new KvWatch({
        open: () => database.openWatched(),
        key: this.#log.bump,
        writer: this.#log.writer,
        onNews: () => this.#wake(),
        logger,
      })
      : undefined;
  }

  /** Whether the database tells of what other processes write. */
  get isTold(): boolean {
    return this.#watch?.isTelling ?? false;
  }

  /** Other processes that were heard of lately. */
  get others(): number {
    return this.#livingCount(performance.now());
  }

  /** Returns when the other processes, if there are any, know of this one. */
  async start(): Promise<void> {
    await this.#sign();
    await this.#look();
    if (this.others > 0) await pause(MEETING_MS, this.#stop.signal);
    this.#watch?.start();
    this.#running = this.#keepLooking();
  }

  /** Appends the message to this process's log, if there is anybody to read it. */
  async publish(channel: string, message: string): Promise<void> {
    if (this.#stop.signal.aborted) throw new AppError("unavailable", "The bus is closed.");
    if (this.others === 0) return;
    this.#busyUntilMs = performance.now() + BUSY_FOR_MS;
    await this.#log.append(channel, message);
  }

  async #sign(): Promise<void> {
    await this.#log.sign();
    this.#signedAtMs = performance.now();
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#stop;
    let failedMs = 0;
    while (!signal.aborted) {
      try {
        const wasWoken = this.#isWoken;
        this.#isWoken = false;
        if (await this.#look() && !wasWoken) await this.#doubtWatch();
        if (performance.now() - this.#signedAtMs > SIGN_EVERY_MS) await this.#sign();
        await this.#log.sweep();
        failedMs = 0;
      } catch (error) {
        if (failedMs === 0) {
          this.#logger.warn("bus: other processes can't be heard", { error: errorText(error) });
        }
        failedMs = backOff(failedMs);
      }
      await this.#napFor(failedMs || this.#pollMs());
    }
  }

  /** Waits until the time is over, or the watch tells something. */
  async #napFor(ms: number): Promise<void> {
    if (this.#isWoken || this.#stop.signal.aborted) return;
    this.#nap = new AbortController();
    await pause(ms, this.#nap.signal);
  }

  /** News that only asking brought: the watch has fallen silent, unless it is only late. */
  async #doubtWatch(): Promise<void> {
    if (!this.isTold) return;
    await this.#napFor(LATE_WATCH_MS);
    if (!this.#isWoken) this.#watch?.replace();
  }

  #pollMs(): number {
    if (this.isTold) return WATCHED_POLL_MS;
    if (this.others === 0) return LONE_MS;
    return performance.now() < this.#busyUntilMs ? BUSY_POLL_MS : IDLE_POLL_MS;
  }

  #wake(): void {
    this.#isWoken = true;
    this.#nap.abort();
  }

  /** Reads what is new; says whether anything was. */
  async #look(): Promise<boolean> {
    let isNews = false;
    const heads = await this.#log.heads();
    const now = performance.now();
    for (const { writer, last, sign } of heads) {
      const known = this.#writers.get(writer);
      if (known === undefined) {
        if (sign === SIGNED_OFF) continue;
        // Those who were here before us have said what was not meant for us.
        const read = this.#hasLooked ? 0 : last;
        this.#writers.set(writer, { read, sign, changedAtMs: now });
      } else if (known.sign !== sign) {
        known.sign = sign;
        known.changedAtMs = now;
      }
    }
    this.#hasLooked = true;
    const present = new Map(heads.map(({ writer, last }) => [writer, last]));
    for (const [writer, state] of this.#writers) {
      const last = present.get(writer);
      if (last !== undefined && last > state.read) {
        isNews = true;
        await this.#read(writer, state, last);
      } else if (last === undefined) {
        state.changedAtMs = Math.min(state.changedAtMs, now - SILENT_FOR_MS);
      }
      if (now - state.changedAtMs > FORGET_AFTER_MS) this.#writers.delete(writer);
    }
    return isNews;
  }

  async #read(writer: string, state: Writer, last: number): Promise<void> {
    this.#busyUntilMs = performance.now() + BUSY_FOR_MS;
    while (state.read < last && !this.#stop.signal.aborted) {
      const entries = await this.#log.read(writer, state.read, last);
      if (entries.length === 0) {
        state.read = last;
        return this.#missed();
      }
      for (const { n, channel, text } of entries) {
        if (n > state.read + 1) this.#missed();
        state.read = n;
        this.#local.publish(channel, text);
      }
    }
  }

  #missed(): void {
    this.#logger.warn("bus: messages of another process have expired before they were read");
    this.#local.gap();
  }

  #livingCount(now: number): number {
    let count = 0;
    for (const { changedAtMs, sign } of this.#writers.values()) {
      if (sign !== SIGNED_OFF && now - changedAtMs < SILENT_FOR_MS) count++;
    }
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await Promise.all([this.#running, this.#watch?.[Symbol.asyncDispose]()]);
    await this.#log.close({ isAlone: this.others === 0 }).catch((error) =>
      this.#logger.warn("bus: the process could not sign off", { error: errorText(error) })
    );
  }
}
