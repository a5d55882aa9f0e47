import type { Socket } from "node:net";

/**
 * TCP connections that owe the server a complete request: new ones, and those kept alive between two requests.
 *
 * Whoever stays longer than `limitMs` is cut off, however busily it drips bytes. All have the same limit, so the map is in
 * the order of the deadlines, and one timer looks at its front only.
 */
export class ConnectionTimeout {
  readonly #deadlines = new Map<Socket, number>();
  readonly #limitMs: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #isClosed = false;
  /** Connections cut off so far. */
  expired = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.#timer = setInterval(() => this.#sweep(), Math.max(10, Math.min(1_000, limitMs / 4)));
  }

  start(socket: Socket): void {
    if (this.#isClosed) return void socket.destroy();
    this.#deadlines.delete(socket);
    this.#deadlines.set(socket, performance.now() + this.#limitMs);
  }

  clear(socket: Socket): void {
    this.#deadlines.delete(socket);
  }

  /** Ends the timer, and the connections that are idle. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const socket of this.#deadlines.keys()) socket.destroy();
    this.#deadlines.clear();
  }

  #sweep(): void {
    const now = performance.now();
    for (const [socket, deadline] of this.#deadlines) {
      if (deadline > now) return;
      this.#deadlines.delete(socket);
      this.expired++;
      socket.destroy();
    }
  }
}
