/** What one socket may have waiting for one join. */
const MAX_WAITING = 16;

interface PendingJoin {
  entered: Promise<void>;
  waiting: number;
}

/**
 * Joins of documents that are under way. Open WebUI's client shows its cursor right after its join,
 * without waiting for the document: what comes so early waits here instead of being refused.
 */
export class PendingJoins {
  readonly #joins = new WeakMap<object, Map<string, PendingJoin>>();

  /** Does the joining of one socket to one document. */
  async run(socket: object, key: string, work: () => Promise<void>): Promise<void> {
    const joins = this.#joins.get(socket) ?? new Map<string, PendingJoin>();
    this.#joins.set(socket, joins);
    const join = { entered: work(), waiting: 0 };
    joins.set(key, join);
    try {
      await join.entered;
    } finally {
      if (joins.get(key) === join) joins.delete(key);
    }
  }

  /** Resolves when the socket's join is over, however it ends; at once when there is none. */
  async over(socket: object, key: string): Promise<void> {
    const join = this.#joins.get(socket)?.get(key);
    if (!join || join.waiting >= MAX_WAITING) return;
    join.waiting++;
    await join.entered.catch(() => {});
  }
}
