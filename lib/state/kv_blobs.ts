import type { Clock } from "../common/clock.ts";
import { concatBytes } from "../common/concat_bytes.ts";
import type { KvClient } from "./kv_client.ts";
import type { Commit, KvSet, KvWriter } from "./kv_writer.ts";

/** A KV value holds 65,536 bytes; the rest is left to its envelope. */
export const PART_BYTES = 60_000;
const GRACE_MS = 10 * 60_000;
const DELETES_PER_COMMIT = 500;
const MAX_MARKERS_PER_SWEEP = 500;

/** Bytes as an entry keeps them: inside it, or as `n` parts of the generation `g`. */
export type Stored =
  | { expiresAt: number; bytes: Uint8Array }
  | { expiresAt: number; generation: string; parts: number };

/** What an entry keeps, if it is of this form: another program may have written it. */
export function storedIn(value: unknown): Stored | undefined {
  if (typeof value !== "object" || value === null || !("expiresAt" in value)) return undefined;
  const isWhole = "bytes" in value && value.bytes instanceof Uint8Array;
  return isWhole || "generation" in value && "parts" in value ? value as Stored : undefined;
}

/** What an entry keeps of some bytes, and what its commit has to do beside. */
export interface Prepared {
  stored: Stored;
  attach: Commit;
}

interface LooseParts {
  parts: number;
  /** When they were written, in ms since the epoch; 0: nobody will want them. */
  since: number;
}

/**
 * Bytes of any size for entries of 64 KiB.
 *
 * Parts are written first, under a fresh generation, and with a marker that calls them loose. The
 * commit that points an entry at them takes the marker away (and fails if a sweeper was there
 * before), and the one that turns an entry from them puts a marker back; then they are deleted, and
 * the marker last. So a reader never meets half a value, and whatever a crash leaves has a marker,
 * by which {@linkcode KvBlobs.sweepLooseParts} finds it.
 */
export class KvBlobs {
  readonly #client: KvClient;
  readonly #writer: KvWriter;
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor(client: KvClient, writer: KvWriter, prefix: string, clock: Clock) {
    this.#client = client;
    this.#writer = writer;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  #part = (generation: string, index: number) => [this.#prefix, "part", generation, index];
  #marker = (generation: string) => [this.#prefix, "loose", generation];

  /**
   * Writes what does not fit into an entry; `attach` belongs into the commit of the entry. What fits
   * costs no promise.
   */
  prepare(bytes: Uint8Array, expiresAt = 0): Prepared | Promise<Prepared> {
    if (bytes.length > PART_BYTES) return this.#prepareParts(bytes, expiresAt);
    return { stored: { expiresAt, bytes }, attach: {} };
  }

  async #prepareParts(bytes: Uint8Array, expiresAt: number): Promise<Prepared> {
    const generation = crypto.randomUUID();
    const parts = Math.ceil(bytes.length / PART_BYTES);
    const marker = this.#marker(generation);
    await this.#writer.commit({ sets: [this.#loose(generation, parts, this.#clock.nowMs())] });
    // The parts outlive an entry that KV drops at its time, and not by much.
    const expireIn = expiresAt === 0 ? undefined : expiresAt - this.#clock.nowMs() + GRACE_MS;
    await Promise.all(Array.from({ length: parts }, (_, index) => {
      const part = bytes.slice(index * PART_BYTES, (index + 1) * PART_BYTES);
      const key = this.#part(generation, index);
      return this.#writer.commit({ sets: [{ key, value: part, bytes: part.length, expireIn }] });
    }));
    const { versionstamp } = await this.#client.get(marker);
    return {
      stored: { expiresAt, generation, parts },
      // A marker that is gone was swept: a version that can't be makes the commit fail.
      attach: {
        checks: [{ key: marker, versionstamp: versionstamp ?? "00000000000000000000" }],
        deletes: [marker],
      },
    };
  }

  /** The bytes, or `undefined` when they were replaced meanwhile: read the entry again. */
  async load(stored: Stored): Promise<Uint8Array | undefined> {
    if ("bytes" in stored) return stored.bytes;
    const { generation, parts } = stored;
    const entries = await Promise.all(
      Array.from({ length: parts }, (_, index) => this.#client.get(this.#part(generation, index))),
    );
    const found = entries.flatMap(({ value }) => value instanceof Uint8Array ? [value] : []);
    if (found.length < parts) return undefined;
    return concatBytes(found);
  }

  /** What belongs into the commit that turns an entry from these; call `discard` after it. */
  detach(stored: Stored | undefined): KvSet[] {
    if (stored === undefined || "bytes" in stored) return [];
    return [this.#loose(stored.generation, stored.parts, 0)];
  }

  /** Deletes parts that no entry points at. */
  async discard(stored: Stored | undefined): Promise<void> {
    if (stored === undefined || "bytes" in stored) return;
    await this.#discardParts(stored.generation, stored.parts);
  }

  /** Deletes what crashed writers left behind; at most 500 generations a call. */
  async sweepLooseParts(): Promise<void> {
    const prefix = [this.#prefix, "loose"];
    for (const entry of await this.#client.list({ prefix }, { limit: MAX_MARKERS_PER_SWEEP })) {
      const { parts, since } = entry.value as LooseParts;
      if (since > 0 && since + GRACE_MS > this.#clock.nowMs()) continue;
      const generation = String(entry.key.at(-1));
      // Claimed first: a writer that is only slow can't attach them any more.
      const claimed = await this.#writer.commit({
        checks: [{ key: entry.key, versionstamp: entry.versionstamp }],
        sets: [this.#loose(generation, parts, 0)],
      });
      if (claimed) await this.#discardParts(generation, parts);
    }
  }

  #loose(generation: string, parts: number, since: number): KvSet {
    const value: LooseParts = { parts, since };
    return { key: this.#marker(generation), value, bytes: 64 };
  }

  async #discardParts(generation: string, parts: number): Promise<void> {
    for (let at = 0; at < parts; at += DELETES_PER_COMMIT) {
      const length = Math.min(DELETES_PER_COMMIT, parts - at);
      await this.#writer.commit({
        deletes: Array.from({ length }, (_, index) => this.#part(generation, at + index)),
      });
    }
    await this.#writer.commit({ deletes: [this.#marker(generation)] });
  }
}
