import type { Entry } from "./kv_client.ts";

const MAX_BYTES = 8 * 1024 * 1024;
/** About what an entry takes beside its value. */
const OVERHEAD_BYTES = 500;

interface Kept {
  entry: Entry;
  bytes: number;
}

/**
 * What this process wrote last under some keys, so that the next change of one need not read first.
 * Never the truth: another process may have written since, so it counts only for a commit that
 * checks the entry's version. Bounded by bytes; what was used longest ago goes first.
 */
export class KvOwnWrites {
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  get(key: Deno.KvKey): Entry | undefined {
    return this.#kept.get(nameOf(key))?.entry;
  }

  set(entry: Entry, bytes: number): void {
    const name = nameOf(entry.key);
    this.#drop(name);
    const kept = { entry, bytes: bytes + OVERHEAD_BYTES };
    this.#kept.set(name, kept);
    this.#bytes += kept.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MAX_BYTES) break;
      this.#drop(oldest);
    }
  }

  delete(key: Deno.KvKey): void {
    if (this.#kept.size > 0) this.#drop(nameOf(key));
  }

  #drop(name: string): void {
    this.#bytes -= this.#kept.get(name)?.bytes ?? 0;
    this.#kept.delete(name);
  }
}

const nameOf = (key: Deno.KvKey) => JSON.stringify(key);
