/** Kinds of lines that are remembered; the one not seen for longest is forgotten. */
const MAX_KINDS = 1_000;

interface Kind {
  writtenAtMs: number;
  count: number;
}

/** Tells a change of state from its repetition: the first line of a kind is written, more are counted. */
export class RepeatedLines {
  readonly #kinds = new Map<string, Kind>();
  readonly #repeatMs: number;
  readonly #nowMs: () => number;

  constructor(repeatMs: number, nowMs = () => performance.now()) {
    this.#repeatMs = repeatMs;
    this.#nowMs = nowMs;
  }

  /** Whether a line of the kind is a repetition, and if not, how many were since the last one. */
  take(kind: string): { isRepeated: boolean; count: number } {
    const now = this.#nowMs();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now - known.writtenAtMs < this.#repeatMs) {
      known.count++;
      return { isRepeated: true, count: known.count };
    }
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { writtenAtMs: now, count: 0 });
    if (this.#kinds.size > MAX_KINDS) {
      for (const oldest of this.#kinds.keys()) {
        this.#kinds.delete(oldest);
        break;
      }
    }
    return { isRepeated: false, count: known?.count ?? 0 };
  }
}
