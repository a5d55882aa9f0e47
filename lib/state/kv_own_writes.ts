import type { Entry } from "./kv_client.ts";

/** Of both generations together. */
const MAX_BYTES = 16 * 1024 * 1024;
/** About what an entry takes beside its value. */
const OVERHEAD_BYTES = 500;

interface Kept {
  entry: Entry;
  bytes: number;
}

/**
 * What this process wrote last under some keys, so that the next change of one need not read first.
 * Never the truth: another process may have written since, so it counts only for a commit that
 * checks the entry's version.
 *
 * Bounded by bytes, in two generations: once the young one is full the old one goes. A single map that
 * drops its first entry for each new one would walk past all that have left it.
 */
export class KvOwnWrites {
  #young = new Map<string, Kept>();
  #old = new Map<string, Kept>();
  #youngBytes = 0;

  get(name: string): Entry | undefined {
    return (this.#young.get(name) ?? this.#old.get(name))?.entry;
  }

  set(name: string, entry: Entry, valueBytes: number): void {
    const bytes = valueBytes + OVERHEAD_BYTES;
    this.#youngBytes += bytes - (this.#young.get(name)?.bytes ?? 0);
    this.#young.set(name, { entry, bytes });
    if (this.#youngBytes <= MAX_BYTES / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  delete(name: string): void {
    this.#youngBytes -= this.#young.get(name)?.bytes ?? 0;
    this.#young.delete(name);
    this.#old.delete(name);
  }
}
