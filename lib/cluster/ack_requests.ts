import { type ClusterResponse, MessageType } from "socket.io-adapter";

export interface AckHandlers {
  onClientCount(count: number): void;
  onAck(...args: unknown[]): void;
}

/**
 * Events that wait for acks from other instances. The library keeps these too, with timers that
 * outlive the adapter.
 */
export class AckRequests implements Disposable {
  readonly #waiting = new Map<string, AckHandlers & { timer: ReturnType<typeof setTimeout> }>();

  get size(): number {
    return this.#waiting.size;
  }

  begin(timeoutMs: number, handlers: AckHandlers): string {
    const id = crypto.randomUUID();
    const timer = setTimeout(() => this.#waiting.delete(id), timeoutMs);
    this.#waiting.set(id, { ...handlers, timer });
    return id;
  }

  /** Whether the response was one of ours. */
  take({ type, data }: ClusterResponse): boolean {
    if (type === MessageType.BROADCAST_CLIENT_COUNT) {
      this.#waiting.get(data.requestId)?.onClientCount(data.clientCount);
    } else if (type === MessageType.BROADCAST_ACK) {
      this.#waiting.get(data.requestId)?.onAck(data.packet);
    } else return false;
    return true;
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
