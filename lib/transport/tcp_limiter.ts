import type { Socket as NetSocket } from "node:net";
import { limitedPeer } from "./remote_address.ts";

export interface TcpLimits {
  /** Of all addresses. */
  maxConnections: number;
  /** Of one address. */
  maxConnectionsPerAddress: number;
  /** Those that the kernel keeps until they are accepted. Default: 511. */
  backlog?: number;
}

export interface TcpLimiterOptions extends TcpLimits {
  /** Ends the connection that has owed a request for longest; `false` when none does. */
  endSilent(): boolean;
}

/**
 * Counts TCP connections from their first byte on, before there is a request: a process that runs
 * out of file descriptors would never accept another one (Deno 2.9 ends its accept loop then).
 */
export class TcpLimiter {
  readonly open = new Set<NetSocket>();
  /** Connections that were turned away. */
  refused = 0;
  readonly #byAddress = new Map<string, number>();
  readonly #options: TcpLimiterOptions;

  constructor(options: TcpLimiterOptions) {
    this.#options = options;
  }

  /** Counts the connection, or ends it; says whether it may stay. */
  admit(socket: NetSocket): boolean {
    const { maxConnections, maxConnectionsPerAddress, endSilent } = this.#options;
    const address = limitedPeer(socket.remoteAddress);
    const ofAddress = this.#byAddress.get(address) ?? 0;
    const isFull = () => this.open.size >= maxConnections;
    if (ofAddress >= maxConnectionsPerAddress || (isFull() && !endSilent())) {
      this.refused++;
      socket.destroy();
      return false;
    }
    this.open.add(socket);
    this.#byAddress.set(address, ofAddress + 1);
    socket.once("close", () => {
      this.open.delete(socket);
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    });
    return true;
  }
}
