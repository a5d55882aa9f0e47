/**
 * Ends connections that have had their time for one step: a request's headers, its body, a sign-in.
 *
 * Whoever takes longer than `limitMs` is ended, however busily it drips bytes: `node:http` of Deno 2.9 enforces neither
 * `headersTimeout` nor `requestTimeout`, and engine.io 6.6 waits for a body without limit. All have the same limit, so the map is in
 * the order of the deadlines, and one timer looks at its front only, while there is one.
 */
export class ConnectionTimeout<C> {
  readonly #deadlines = new Map<C, number>();
  readonly #limitMs: number;
  readonly #end: (connection: C) => void;
  readonly #everyMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  /** Connections ended so far because their time was over. */
  expired = 0;

  constructor(limitMs: number, end: (connection: C) => void) {
    this.#limitMs = limitMs;
    this.#end = end;
    this.#everyMs = Math.max(10, Math.min(1_000, limitMs / 4));
  }

  start(connection: C): void {
    if (this.#isClosed) return this.#end(connection);
    this.#deadlines.delete(connection);
    this.#deadlines.set(connection, performance.now() + this.#limitMs);
    this.#timer ??= setTimeout(this.#sweep, this.#everyMs);
  }

  clear(connection: C): void {
    this.#deadlines.delete(connection);
  }

  /** Ends the one that has waited longest; `false` when nobody waits. */
  endOldest(): boolean {
    for (const connection of this.#deadlines.keys()) {
      this.#deadlines.delete(connection);
      this.#end(connection);
      return true;
    }
    return false;
  }

  /** Ends the timer, and whoever still waits. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    while (this.endOldest());
  }

  readonly #sweep = () => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [connection, deadline] of this.#deadlines) {
      if (deadline > now) break;
      this.#deadlines.delete(connection);
      this.expired++;
      this.#end(connection);
    }
    const mayGoOn = this.#deadlines.size > 0 && !this.#isClosed;
    if (mayGoOn) this.#timer ??= setTimeout(this.#sweep, this.#everyMs);
  };
}
