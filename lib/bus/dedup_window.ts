/** What can still be sent again lies within the last frames of a sender. */
const MAX_FRAMES_PER_SENDER = 2_048;
const MAX_SENDERS = 256;

/** Tells a frame that was sent again, because its receipt was lost, from a new one. */
export class DedupWindow {
  readonly #senders = new Map<string, Set<number>>();

  /** Notes the frame; `false` when it has been here before. */
  isNew(sender: string, seq: number): boolean {
    const seen = this.#senders.get(sender) ?? this.#begin(sender);
    if (seen.has(seq)) return false;
    seen.add(seq);
    if (seen.size > MAX_FRAMES_PER_SENDER) dropFirst(seen);
    return true;
  }

  #begin(sender: string): Set<number> {
    const seen = new Set<number>();
    this.#senders.set(sender, seen);
    if (this.#senders.size > MAX_SENDERS) dropFirst(this.#senders);
    return seen;
  }
}

function dropFirst<K>(collection: Set<K> | Map<K, unknown>): void {
  for (const key of collection.keys()) {
    collection.delete(key);
    return;
  }
}
