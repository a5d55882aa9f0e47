import { retryConflicts } from "./conflict_retry.ts";
import type { KvClient } from "./kv_client.ts";

/** How long an entry can be read; a process that stands still for longer is told of a gap. */
const KEEP_MS = 60_000;
/** A value takes 65,536 bytes, and a text up to two a character. */
const MAX_CHARS_PER_ENTRY = 30_000;
/** A commit takes 800 KiB. */
const MAX_CHARS_PER_COMMIT = 300_000;
const MAX_ENTRIES_PER_COMMIT = 400;
const MAX_ENTRIES_PER_READ = 500;
const SWEEP_EVERY_MS = 10_000;

const KEEP_SIGNED_OFF_MS = 10_000;

/** The sign of a process that has ended in good order. */
export const SIGNED_OFF = "";

export interface RelayEntry {
  n: number;
  channel: string;
  text: string;
  /** The message goes on in the next entry. */
  more: boolean;
}

export interface RelayHead {
  writer: string;
  /** Its last entry. */
  last: number;
  /** Changes with every sign of life. */
  sign: string;
}

type Stored = [channel: string, text: string, more: boolean];

interface Waiting {
  entries: Stored[];
  resolve(): void;
  reject(error: unknown): void;
}

/** The log of one process, and a view of everybody's. What waits during a commit is the next one. */
export class KvRelayLog {
  readonly writer: string = crypto.randomUUID();
  /** The entry that changes whenever somebody has written. */
  readonly bump: Deno.KvKey;
  readonly #client: KvClient;
  readonly #base: Deno.KvKey;
  /** The head of this process's log, and the version that was written last. */
  readonly #head: Deno.KvKey;
  #headVersion: string | null = null;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #last = 0;
  #wroteAtMs = -Infinity;
  #written: { upTo: number; atMs: number }[] = [];
  #swept = 0;
  #sweptAtMs = performance.now();

  constructor(client: KvClient, prefix: string) {
    this.#client = client;
    this.#base = [prefix, "relay"];
    this.bump = [...this.#base, "bump"];
    this.#head = [...this.#base, "head", this.writer];
  }

  /** When this process wrote last. */
  get wroteAtMs(): number {
    return this.#wroteAtMs;
  }

  /** Returns when the message can be read. */
  append(channel: string, message: string): Promise<void> {
    return this.#say(entriesOf(channel, message));
  }

  /** Gives a sign of life. */
  sign(): Promise<void> {
    return this.#say([]);
  }

  #say(entries: Stored[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = takeGroup(this.#waiting);
      try {
        await this.#write(group.flatMap(({ entries }) => entries));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#draining = undefined;
  }

  /** The head tells of the entries only with the last commit of them: no message is read by half. */
  async #write(entries: Stored[]): Promise<void> {
    let n = this.#last;
    // Should a commit fail, it may have been made all the same: its numbers are not used again, and
    // whoever finds them missing is told of a gap.
    const last = this.#last += entries.length;
    for (const some of commitsOf(entries)) {
      const log = [...this.#base, "log", this.writer];
      const sets = some.map((entry) => ({ key: [...log, ++n], entry }));
      const add = (atomic: Deno.AtomicOperation) => {
        for (const { key, entry } of sets) atomic.set(key, entry, { expireIn: KEEP_MS });
        return atomic;
      };
      if (n === last) await this.#tell([last, crypto.randomUUID()], KEEP_MS, add);
      else await this.#client.call((kv) => add(kv.atomic()).commit());
    }
    this.#written.push({ upTo: n, atMs: performance.now() });
  }

  /**
   * Writes the head, and with it whatever `add` adds, if the head is as this process left it: a
   * commit that was given up, and is carried out after the next one, must not set it back.
   */
  async #tell(
    head: [last: number, sign: string],
    expireIn: number,
    add = (atomic: Deno.AtomicOperation) => atomic,
  ): Promise<void> {
    this.#headVersion = await retryConflicts(async () => {
      this.#wroteAtMs = performance.now();
      const told = await this.#client.call((kv) => {
        const check = { key: this.#head, versionstamp: this.#headVersion };
        return add(kv.atomic().check(check))
          .set(this.#head, head, { expireIn })
          .set(this.bump, this.writer, { expireIn: KEEP_MS })
          .commit();
      });
      if (told.ok) return told.versionstamp;
      this.#headVersion = (await this.#client.get(this.#head)).versionstamp;
    });
  }

  /** The heads of all other processes. */
  async heads(): Promise<RelayHead[]> {
    const entries = await this.#client.list({ prefix: [...this.#base, "head"] }, { limit: 1_000 });
    return entries
      .map(({ key, value }) => {
        const [last, sign] = value as [number, string];
        return { writer: String(key.at(-1)), last, sign };
      })
      .filter(({ writer }) => writer !== this.writer);
  }

  /** The next entries behind `after`, up to `last`. */
  async read(writer: string, after: number, last: number): Promise<RelayEntry[]> {
    const log = [...this.#base, "log", writer];
    const found = await this.#client.list(
      { start: [...log, after + 1], end: [...log, last + 1] },
      { limit: MAX_ENTRIES_PER_READ },
    );
    return found.map(({ key, value }) => {
      const [channel, text, more] = value as Stored;
      return { n: Number(key.at(-1)), channel, text, more };
    });
  }

  /** Deletes what is old: an expired entry can linger in the store. */
  async sweep(): Promise<void> {
    const now = performance.now();
    if (now - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = now;
    const young = this.#written.findIndex(({ atMs }) => atMs > now - KEEP_MS);
    const old = this.#written.splice(0, young < 0 ? this.#written.length : young);
    const upTo = old.at(-1)?.upTo ?? this.#swept;
    while (this.#swept < upTo) {
      const from = this.#swept;
      const to = Math.min(upTo, from + MAX_ENTRIES_PER_COMMIT);
      await this.#client.call((kv) => {
        const atomic = kv.atomic();
        for (let n = from + 1; n <= to; n++) {
          atomic.delete([...this.#base, "log", this.writer, n]);
        }
        return atomic.commit();
      });
      this.#swept = to;
    }
  }

  /** Signs off. Others, if there are any, still read what was said last; it expires by itself. */
  async close({ isAlone }: { isAlone: boolean }): Promise<void> {
    await this.#draining;
    if (!isAlone) return await this.#tell([this.#last, SIGNED_OFF], KEEP_SIGNED_OFF_MS);
    this.#wroteAtMs = performance.now();
    await this.#client.call((kv) => kv.atomic().delete(this.#head).delete(this.bump).commit());
  }
}

function entriesOf(channel: string, message: string): Stored[] {
  const entries: Stored[] = [];
  let at = 0;
  do {
    const end = at + MAX_CHARS_PER_ENTRY;
    entries.push([channel, message.slice(at, end), end < message.length]);
    at = end;
  } while (at < message.length);
  return entries;
}

/** Whole messages, as many as one commit takes; a large one has several commits for itself. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  let taken = 0, entries = 0, chars = 0;
  for (const next of waiting) {
    entries += next.entries.length;
    chars += charsOf(next.entries);
    if (taken > 0 && (entries > MAX_ENTRIES_PER_COMMIT || chars > MAX_CHARS_PER_COMMIT)) break;
    taken++;
  }
  return waiting.splice(0, taken);
}

/** At least one, which tells the head. */
function* commitsOf(entries: Stored[]): Iterable<Stored[]> {
  let some: Stored[] = [], chars = 0;
  for (const entry of entries) {
    chars += charsOf([entry]);
    if (
      some.length > 0 && (chars > MAX_CHARS_PER_COMMIT || some.length === MAX_ENTRIES_PER_COMMIT)
    ) {
      yield some;
      some = [];
      chars = charsOf([entry]);
    }
    some.push(entry);
  }
  yield some;
}

function charsOf(entries: Stored[]): number {
  return entries.reduce((sum, [channel, text]) => sum + channel.length + text.length, 0);
}
