import type { IncomingMessage } from "node:http";
import type { OriginCheck } from "./origins.ts";
import { limitedAddress } from "./remote_address.ts";

/** Why a request for a connection was turned away. */
export type RefusalReason = "origin" | "connections" | "connections_per_address" | "stopping";

/** What a refused client is told. */
export interface Refusal {
  reason: RefusalReason;
  status: 403 | 429 | 503;
  message: string;
}

const REFUSALS: Record<RefusalReason, Refusal> = {
  origin: { reason: "origin", status: 403, message: "Origin not allowed" },
  connections: { reason: "connections", status: 503, message: "Too many connections" },
  connections_per_address: {
    reason: "connections_per_address",
    status: 429,
    message: "Too many connections from this address",
  },
  stopping: { reason: "stopping", status: 503, message: "Server is stopping" },
};

export interface ConnectionLimiterOptions {
  maxConnections: number;
  /** Of one IPv4 address, or one IPv6 network of 64 bits. */
  maxConnectionsPerAddress: number;
  trustedProxies: number;
  isOriginAllowed: OriginCheck;
}

/** A place among the connections, kept by everyone who still needs it and free when the last lets go. */
export class Lease {
  readonly address: string;
  readonly #free: () => void;
  /** The TCP connection or polling request that asked for the place is the first holder. */
  #holders = 1;
  #isHeldByRequest = true;

  constructor(address: string, free: () => void) {
    this.address = address;
    this.#free = free;
  }

  keep(): void {
    this.#holders++;
  }

  /** The first holder lets go; may be said twice. */
  releaseRequest(): void {
    if (!this.#isHeldByRequest) return;
    this.#isHeldByRequest = false;
    this.release();
  }

  release(): void {
    if (--this.#holders === 0) this.#free();
  }
}

/** Decides who may connect: by origin, and by how many connections there are, in all and per address. */
export class ConnectionLimiter {
  readonly refusals: Record<RefusalReason, number> = {
    origin: 0,
    connections: 0,
    connections_per_address: 0,
    stopping: 0,
  };
  stopping = false;
  #taken = 0;
  readonly #takenByAddress = new Map<string, number>();
  readonly #leases = new WeakMap<IncomingMessage, Lease>();
  readonly #options: ConnectionLimiterOptions;

  constructor(options: ConnectionLimiterOptions) {
    this.#options = options;
  }

  /** Places taken, half-open handshakes included. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether a request of any kind may pass; a refusal is counted. */
  checkOrigin(req: IncomingMessage): Refusal | undefined {
    return this.#options.isOriginAllowed(req) ? undefined : this.#refuse("origin");
  }

  /** Takes a place for a new connection, or says why not. */
  enter(req: IncomingMessage): Lease | Refusal {
    if (this.stopping) return this.#refuse("stopping");
    if (this.#taken >= this.#options.maxConnections) return this.#refuse("connections");
    const address = limitedAddress(req, this.#options.trustedProxies);
    const ofAddress = this.#takenByAddress.get(address) ?? 0;
    if (ofAddress >= this.#options.maxConnectionsPerAddress) {
      return this.#refuse("connections_per_address");
    }
    this.#taken++;
    this.#takenByAddress.set(address, ofAddress + 1);
    const lease = new Lease(address, () => this.#leave(address));
    this.#leases.set(req, lease);
    return lease;
  }

  /** The place that a request took. */
  leaseOf(req: IncomingMessage): Lease | undefined {
    return this.#leases.get(req);
  }

  #leave(address: string): void {
    this.#taken--;
    const left = (this.#takenByAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#takenByAddress.set(address, left);
    else this.#takenByAddress.delete(address);
  }

  #refuse(reason: RefusalReason): Refusal {
    this.refusals[reason]++;
    return REFUSALS[reason];
  }
}
