import { createHash } from "node:crypto";

/** A digest is far quicker than Yjs from here on, and what is smaller comes once. */
const LARGE_BYTES = 4 * 1024;

/**
 * The large entries of a log that are in memory: to apply a snapshot once more takes as long as it
 * did at first, and whoever edits with others reads the log before each save.
 */
export class KnownEntries {
  #digests: ReadonlySet<string> = new Set();

  /** Knows what a log held when the document was read from it. */
  static of(entries: readonly Uint8Array[]): KnownEntries {
    const known = new KnownEntries();
    known.remember(known.among(entries).digests);
    return known;
  }

  /** The entries without those that are known, and what to remember once these have been applied. */
  among(entries: readonly Uint8Array[]): { unknown: Uint8Array[]; digests: ReadonlySet<string> } {
    const digests = new Set<string>();
    const unknown = entries.filter((entry) => {
      if (entry.length < LARGE_BYTES) return true;
      const digest = createHash("sha256").update(entry).digest("base64");
      digests.add(digest);
      return !this.#digests.has(digest);
    });
    return { unknown, digests };
  }

  /** All entries of a log that is in memory as it was read. */
  remember(digests: ReadonlySet<string>): void {
    this.#digests = digests;
  }
}
