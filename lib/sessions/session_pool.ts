import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import { backOff, pause } from "../common/pause.ts";
import type { SessionUser } from "../protocol/user.ts";
import { keys } from "../state/key_space.ts";
import type { SessionRecord } from "../state/records.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";

export interface SessionPoolOptions {
  store: StateStore;
  instanceId: string;
  logger: Logger;
  clock?: Clock;
  /** The least time between two writes of one session's `last_seen_at`. Default: 40,000. */
  writeEveryMs?: number;
  /** How often what waits is written. Default: 1,000. */
  tickMs?: number;
  /**
   * Whether sessions that come or go are written at once, because others than this project's own
   * instances look for them there. Default: `false`, with the next tick.
   */
  isPrompt?: boolean;
  /** What somebody else has to write each time, so that both share a round trip. Default: nothing. */
  alongside?(): Promise<void>;
}

interface LocalSession {
  session: SessionRecord;
  /** By `performance.now()`. */
  writtenAtMs: number;
  touched: boolean;
}

/** What a write may hold up a sign-in at the most. */
const MAX_WRITE_WAIT_MS = 2_000;

/** Entries of one write. */
const MAX_SLICE = 500;
/** Removals that wait while the store is away; what is beyond is left to the sweeper. */
const MAX_WAITING_REMOVALS = 100_000;

/**
 * Who is connected where: socket id → user, as Open WebUI keeps it, with the instance beside.
 *
 * The local map is the truth for local sockets; the store is for the other instances. Everything goes
 * to the store through one writer, in order, so a touch never brings back a session that is gone.
 *
 * The cost of being idle: 5,000 sockets that send a heartbeat every 30 s cause one write of about 125
 * entries a second (each session at most once in 40 s), at most 250 after a burst, and no read.
 */
export class SessionPool implements AsyncDisposable {
  readonly #options: Required<SessionPoolOptions>;
  readonly #entries: Dictionary<SessionRecord>;
  /** In the order of their last write: the front is due first. */
  readonly #local = new Map<string, LocalSession>();
  readonly #unwritten = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #stop = new AbortController();
  /** Those who wait until a session is in the store. */
  readonly #awaited = new Map<string, PromiseWithResolvers<void>>();
  #tick = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: SessionPoolOptions) {
    this.#options = {
      clock: systemClock,
      writeEveryMs: 40_000,
      tickMs: 1_000,
      isPrompt: false,
      alongside: async () => {},
      ...options,
    };
    this.#entries = options.store.dictionary(keys.sessionPool, { isWrittenOnce: true });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** How many sessions this instance holds. */
  get size(): number {
    return this.#local.size;
  }

  /**
   * Takes a session in, or replaces it. It is in the store after the next tick; where it is prompt,
   * once the promise resolves, unless the store is away for longer than a sign-in can wait. Never rejects.
   */
  async add(sid: string, user: SessionUser): Promise<void> {
    const before = this.#local.get(sid)?.session;
    const { clock, instanceId, isPrompt } = this.#options;
    const session: SessionRecord = {
      ...user,
      last_seen_at: unixSeconds(clock),
      instance_id: instanceId,
      ...(before?.id === user.id && before.chat_ids && { chat_ids: before.chat_ids }),
    };
    this.#removed.delete(sid);
    this.#local.delete(sid);
    this.#local.set(sid, { session, writtenAtMs: performance.now(), touched: false });
    this.#changed(sid);
    if (!isPrompt || !this.#running) return;
    const written = this.#awaited.get(sid) ?? Promise.withResolvers<void>();
    this.#awaited.set(sid, written);
    await settledWithin(written.promise, MAX_WRITE_WAIT_MS);
  }

  /** Notes which chats the session looks at. */
  noteChats(sid: string, chatIds: string[]): void {
    const local = this.#local.get(sid);
    if (!local) return;
    local.session.chat_ids = chatIds;
    this.#changed(sid);
  }

  /** The store may have lost what it had: all sessions here are written again. */
  writeAnew(): void {
    for (const sid of this.#local.keys()) this.#changed(sid);
  }

  #changed(sid: string): void {
    this.#unwritten.add(sid);
    if (this.#options.isPrompt) this.#tick.abort();
  }

  #release(sid: string): void {
    this.#awaited.get(sid)?.resolve();
    this.#awaited.delete(sid);
  }

  remove(sid: string): void {
    if (!this.#local.delete(sid)) return;
    this.#unwritten.delete(sid);
    this.#release(sid);
    if (this.#removed.size < MAX_WAITING_REMOVALS) this.#removed.add(sid);
    if (this.#options.isPrompt) this.#tick.abort();
  }

  /** Notes that the session is alive, in memory only. */
  touch(sid: string): void {
    const local = this.#local.get(sid);
    if (!local) return;
    local.session.last_seen_at = unixSeconds(this.#options.clock);
    local.touched = true;
  }

  /** The session, wherever it is: from memory when it is here, else read from the store. */
  async get(sid: string): Promise<SessionRecord | undefined> {
    return this.#local.get(sid)?.session ?? await this.#entries.get(sid);
  }

  /** The user ids behind the sessions, each once, with at most one read. */
  async userIds(sids: Iterable<string>): Promise<string[]> {
    const users = new Set<string>();
    const elsewhere: string[] = [];
    for (const sid of sids) {
      const local = this.#local.get(sid);
      if (local) users.add(local.session.id);
      else elsewhere.push(sid);
    }
    if (elsewhere.length > 0) {
      for (const session of await this.#entries.getMany(elsewhere)) {
        if (session) users.add(session.id);
      }
    }
    return [...users];
  }

  async #run(): Promise<void> {
    const { tickMs, logger } = this.#options;
    const { signal } = this.#stop;
    let waitMs = tickMs;
    while (!signal.aborted) {
      const woken = waitMs > tickMs ? signal : AbortSignal.any([signal, this.#tick.signal]);
      await pause(waitMs, woken);
      if (signal.aborted) return;
      this.#tick = new AbortController();
      try {
        await this.#flush();
        waitMs = tickMs;
      } catch (thrown) {
        waitMs = backOff(waitMs, { firstMs: tickMs });
        logger.warn("sessions could not be written", { error: errorText(thrown) });
      }
    }
  }

  async #flush(): Promise<void> {
    const alongside = this.#options.alongside();
    alongside.catch(() => {});
    await this.#writeAll();
    await alongside;
  }

  /** One round: what is gone, what is new, and a slice of what was touched. */
  async #writeAll(): Promise<void> {
    while (this.#removed.size > 0) {
      const gone = firstOf(this.#removed, MAX_SLICE);
      await this.#entries.delete(...gone);
      for (const sid of gone) this.#removed.delete(sid);
    }
    while (this.#unwritten.size > 0) await this.#write(firstOf(this.#unwritten, MAX_SLICE));
    const due = this.#due();
    if (due.length > 0) await this.#write(due);
  }

  #due(): string[] {
    const { writeEveryMs, tickMs } = this.#options;
    // Twice the even share: a crowd that came at once is spread, and nobody waits for long.
    const share = Math.ceil((2 * this.#local.size * tickMs) / writeEveryMs);
    const dueBefore = performance.now() - writeEveryMs;
    const due: string[] = [];
    for (const [sid, local] of this.#local) {
      if (local.writtenAtMs > dueBefore || due.length >= share) break;
      if (local.touched) due.push(sid);
    }
    return due;
  }

  async #write(sids: string[]): Promise<void> {
    const writing: [string, SessionRecord][] = [];
    const now = performance.now();
    for (const sid of sids) {
      const local = this.#local.get(sid);
      if (!local) continue;
      writing.push([sid, local.session]);
      this.#unwritten.delete(sid);
      this.#local.delete(sid);
      this.#local.set(sid, Object.assign(local, { touched: false, writtenAtMs: now }));
    }
    try {
      await this.#entries.setMany(writing);
      for (const [sid] of writing) if (!this.#unwritten.has(sid)) this.#release(sid);
    } catch (thrown) {
      for (const [sid] of writing) if (this.#local.has(sid)) this.#unwritten.add(sid);
      throw thrown;
    }
  }

  /** Takes this instance's sessions out of the pool, within two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const sid of [...this.#awaited.keys()]) this.#release(sid);
    for (const sid of [...this.#local.keys()]) this.remove(sid);
    const leave = async () => {
      await this.#running;
      await this.#flush();
    };
    if (!(await settledWithin(leave(), 2_000))) {
      this.#options.logger.warn("sessions were left to the sweeper");
    }
  }
}

function firstOf(set: Set<string>, count: number): string[] {
  const first: string[] = [];
  for (const item of set) {
    if (first.length >= count) break;
    first.push(item);
  }
  return first;
}
