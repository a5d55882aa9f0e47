import { retryConflicts } from "../state/conflict_retry.ts";
import type { KvClient } from "../state/kv_client.ts";

/** How long an entry can be read; a process that stands still for longer is told of a gap. */
const KEEP_MS = 60_000;
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
}

export interface RelayHead {
  writer: string;
  /** Its last entry. */
  last: number;
  /** Changes with every sign of life. */
  sign: string;
}

type Stored = [channel: string, text: string];

interface Waiting {
  /** None for a sign of life. */
  entry: Stored | undefined;
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
  #written: { upTo: number; atMs: number }[] = [];
  #swept = 0;
  #sweptAtMs = performance.now();

  constructor(client: KvClient, prefix: string) {
    this.#client = client;
    this.#base = [prefix, "relay"];
    this.bump = [...this.#base, "bump"];
    this.#head = [...this.#base, "head", this.writer];
  }

  /** Returns when the message can be read. */
  append(channel: string, text: string): Promise<void> {
    return this.#say([channel, text]);
  }

  /** Gives a sign of life. */
  sign(): Promise<void> {
    return this.#say(undefined);
  }

  #say(entry: Stored | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = takeGroup(this.#waiting);
      try {
        await this.#write(group.flatMap(({ entry }) => entry === undefined ? [] : [entry]));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#draining = undefined;
  }

  async #write(entries: Stored[]): Promise<void> {
    // Should the commit fail, it may have been made all the same: its numbers are not used again, and
    // whoever finds them missing is told of a gap.
    const first = this.#last + 1;
    this.#last += entries.length;
    const log = [...this.#base, "log", this.writer];
    await this.#tell([this.#last, crypto.randomUUID()], KEEP_MS, (atomic) => {
      entries.forEach((entry, i) => atomic.set([...log, first + i], entry, { expireIn: KEEP_MS }));
      return atomic;
    });
    this.#written.push({ upTo: this.#last, atMs: performance.now() });
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
      const told = await this.#client.write((kv) => {
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
      const [channel, text] = value as Stored;
      return { n: Number(key.at(-1)), channel, text };
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
      await this.#client.write((kv) => {
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
    await this.#client.call((kv) => kv.atomic().delete(this.#head).delete(this.bump).commit());
  }
}

/** As many as one commit takes. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  let taken = 0, chars = 0;
  for (const { entry: [channel, text] = ["", ""] } of waiting) {
    chars += channel.length + text.length;
    if (taken > 0 && (taken === MAX_ENTRIES_PER_COMMIT || chars > MAX_CHARS_PER_COMMIT)) break;
    taken++;
  }
  return waiting.splice(0, taken);
}
