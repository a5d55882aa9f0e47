import type { AwarenessEntry } from "./awareness.ts";

/** Between what is sent of one socket's cursors. */
const PAUSE_MS = 40;
/** Of one socket's cursors, to each of the others. */
const BYTES_A_SECOND = 32 * 1024;

interface Pace {
  nextAtMs: number;
  /** By client: what is newer takes the place of what has not been sent. */
  waiting: Map<number, AwarenessEntry>;
  timer?: ReturnType<typeof setTimeout>;
}

/**
 * Sends each socket's cursors at a pace that everybody can follow: the first at once, then the newest
 * state of each client after a pause, which grows with what was sent. Who floods is seen less often;
 * the others are not drowned.
 */
export class PacedAwareness implements Disposable {
  readonly #paces = new Map<string, Pace>();

  /** `send` shows the entries, and returns how many bytes that were for each receiver. */
  give(sid: string, entries: AwarenessEntry[], send: (entries: AwarenessEntry[]) => number): void {
    const pace: Pace = this.#paces.get(sid) ?? { nextAtMs: 0, waiting: new Map() };
    this.#paces.set(sid, pace);
    for (const entry of entries) pace.waiting.set(entry.clientId, entry);
    if (pace.timer !== undefined) return;
    const flush = () => {
      delete pace.timer;
      const newest = [...pace.waiting.values()];
      pace.waiting.clear();
      const bytes = send(newest);
      pace.nextAtMs = performance.now() + PAUSE_MS + bytes * 1_000 / BYTES_A_SECOND;
    };
    const waitMs = pace.nextAtMs - performance.now();
    if (waitMs <= 0) flush();
    else pace.timer = setTimeout(flush, waitMs);
  }

  /** The socket is gone: nothing of it is sent any more. */
  forget(sid: string): void {
    clearTimeout(this.#paces.get(sid)?.timer);
    this.#paces.delete(sid);
  }

  [Symbol.dispose](): void {
    for (const sid of [...this.#paces.keys()]) this.forget(sid);
  }
}
