import { settledWithin } from "../common/deadline.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { Gathered } from "../common/gathered.ts";
import { backOff } from "../common/pause.ts";
import { keys } from "../state/key_space.ts";
import type { Dictionary } from "../state/state_store.ts";
import { streamClock } from "./shared_clock.ts";
import {
  type JournalEntry,
  type LogBatch,
  type NumberedBatch,
  STORED_TTL_MS,
  type StreamStore,
} from "./stream_records.ts";

/** About what an entry holds at the most, as JSON, so that it is one value of any store. */
const MAX_ENTRY_BYTES = 48 * 1024;
/** What a note and each of its parts take beside their letters, and a letter at the most. */
const BYTES_PER_NOTE = 60;
const BYTES_PER_PART = 8;
const BYTES_PER_LETTER = 3;

/** How long a stop waits for what is under way, in milliseconds. */
const LAST_TRY_MS = 2_000;

/** A part of a stream that is in no log yet. */
export interface Note {
  /** The seq of its first part. */
  from: number;
  batch: LogBatch;
  /** UTF-16 units of its text. */
  length: number;
}

/** A stream's own log, as the journal knows it. */
export interface JournalLog {
  readonly generation: string;
  /** Whether all that it was given is written, or given up. */
  readonly isIdle: boolean;
  /** Writes what has waited for long. */
  writeDue(nowMs: number): void;
  /** What waits, or has been refused, and is not in the journal. */
  unnoted(): Note | undefined;
  /** The journal has it up to this seq. */
  noted(seq: number): void;
  /** Whether it is written up to this seq, or given up. */
  hasWritten(seq: number): boolean;
}

export interface StreamJournalOptions {
  store: StreamStore;
  instanceId: string;
  logger: Logger;
  /** How long a part waits for others, in milliseconds. Default: 200. */
  flushMs?: number;
}

interface Noted {
  log: JournalLog;
  seq: number;
}

/**
 * What all streams of this instance have said since each was written to its own log: one entry of the
 * store for all of them, five times a second, so that a death loses no more than that. A stream's own log
 * is written seldom then; an entry goes when all that it holds stands there.
 */
export class StreamJournal implements AsyncDisposable {
  readonly #options: Required<StreamJournalOptions>;
  readonly #entries: Dictionary<JournalEntry>;
  /** Logs that something waits for. */
  readonly #logs = new Set<JournalLog>();
  /** What is written, or was refused, which may mean little; and what each entry is good for. */
  readonly #written = new Map<string, Noted[]>();
  /** Entries that are of no use any more. */
  readonly #useless = new Set<string>();
  #count = 0;
  /** How long the journal is left alone, as its store refused it; 0: it did not. */
  #waitMs = 0;
  #nextMs = 0;
  #callOff: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: StreamJournalOptions) {
    this.#options = { flushMs: 200, ...options };
    this.#entries = journalOf(options.store, options.instanceId);
  }

  /** Something waits for this log: it is noted by the next tick, and written in time. */
  expect(log: JournalLog): void {
    this.#logs.add(log);
    this.#schedule();
  }

  /** Ends the ticks. What is of no use any more is deleted; the rest is for who ends this instance's streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#callOff?.();
    const lastTry = async () => {
      await this.#writing;
      this.#sortOut();
      await this.#deleteUseless().catch((error) => this.#warn(error));
    };
    await settledWithin(lastTry(), LAST_TRY_MS);
  }

  #schedule(): void {
    if (this.#callOff || this.#isClosed) return;
    const { flushMs } = this.#options;
    const nowMs = performance.now();
    const dueMs = flushMs > 0 ? (Math.floor(nowMs / flushMs) + 1) * flushMs : nowMs;
    this.#callOff = streamClock.at(dueMs, () => {
      this.#callOff = undefined;
      this.#tick();
      if (this.#logs.size + this.#written.size + this.#useless.size > 0) this.#schedule();
    });
  }

  /** The logs have their time whether the journal answers or not: it may be in another part of the store. */
  #tick(): void {
    const nowMs = performance.now();
    for (const log of this.#logs) {
      if (log.isIdle) this.#logs.delete(log);
      // What can't be noted does not wait.
      else log.writeDue(this.#waitMs > 0 ? Infinity : nowMs);
    }
    if (nowMs < this.#nextMs) return;
    this.#writing ??= this.#writeAll().finally(() => this.#writing = undefined);
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    this.#sortOut();
    const done = this.#gather().map((notes) => this.#write(notes));
    if (this.#useless.size > 0) done.push(this.#deleteUseless());
    // An entry that was refused is deleted some day: that the store is back is found then at the latest.
    if (done.length === 0) return;
    const failed = (await Promise.allSettled(done)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") this.#warn(failed.reason);
    this.#waitMs = failed ? backOff(this.#waitMs) : 0;
    this.#nextMs = performance.now() + this.#waitMs;
  }

  /** What is to be noted, in as many entries as it needs. */
  #gather(): (Noted & Note)[][] {
    const entries: (Noted & Note)[][] = [];
    let room = 0;
    for (const log of this.#logs) {
      const note = log.unnoted();
      if (!note) continue;
      const { batch, length } = note;
      const bytes = BYTES_PER_NOTE + BYTES_PER_PART * batch.length + BYTES_PER_LETTER * length;
      if (bytes > room) {
        entries.push([]);
        room = MAX_ENTRY_BYTES;
      }
      room -= bytes;
      entries.at(-1)?.push({ ...note, log, seq: note.from + note.batch.length - 1 });
    }
    return entries;
  }

  async #write(notes: (Noted & Note)[]): Promise<void> {
    const name = String(this.#count++);
    const entry: JournalEntry = {};
    for (const { log, from, batch } of notes) entry[log.generation] = [from, batch];
    this.#written.set(name, notes.map(({ log, seq }) => ({ log, seq })));
    await this.#entries.set(name, entry);
    for (const { log, seq } of notes) log.noted(seq);
  }

  #sortOut(): void {
    for (const [name, notes] of this.#written) {
      if (!notes.every(({ log, seq }) => log.hasWritten(seq))) continue;
      this.#written.delete(name);
      this.#useless.add(name);
    }
  }

  async #deleteUseless(): Promise<void> {
    const names = [...this.#useless];
    if (names.length > 0) await this.#entries.delete(...names);
    for (const name of names) this.#useless.delete(name);
  }

  #warn(error: unknown): void {
    this.#options.logger.warn("the journal of streams is behind", { error: errorText(error) });
  }
}

/** The journal of an instance, which may be dead. */
export function journalOf(store: StreamStore, instanceId: string): Dictionary<JournalEntry> {
  return store.dictionary(keys.streamJournal(instanceId), {
    ttlMs: STORED_TTL_MS,
    isWrittenOnce: true,
  });
}

/** What a journal holds of each generation. */
export type JournalNotes = Map<string, NumberedBatch[]>;

/** Reads a journal: before a generation's own log, so that nothing falls between the two. */
export async function readJournal(store: StreamStore, instanceId: string): Promise<JournalNotes> {
  const notes: JournalNotes = new Map();
  // An entry of thousands of streams is large: others have their turn between two.
  for await (const page of journalOf(store, instanceId).scan({ pageSize: 2 })) {
    for (const [, entry] of page) {
      for (const [generation, note] of Object.entries(entry)) {
        const known = notes.get(generation);
        if (known) known.push(note);
        else notes.set(generation, [note]);
      }
    }
  }
  return notes;
}

/**
 * Reads journals for those who come back: when an instance has died they are many, and share a reading,
 * which begins after they have asked.
 */
export function journalReader(store: StreamStore): (instanceId: string) => Promise<JournalNotes> {
  const journals = new Gathered<string, JournalNotes>({
    ask: (owners) => Promise.all(owners.map((owner) => readJournal(store, owner))),
    nameOf: (owner) => owner,
    maxAtOnce: 1,
  });
  return (owner) => journals.ask(owner);
}
