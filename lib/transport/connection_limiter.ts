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
  /**
   * Places beside those, for connections that have not signed in: when they are taken, the one that
   * has been there longest makes room. Default: nobody is a stranger.
   */
  maxStrangers?: number | undefined;
  trustedProxies: number;
  isOriginAllowed: OriginCheck;
}

/** A place among the connections, kept by everyone who still needs it and free when the last lets go. */
export class Lease {
  readonly address: string;
  isStranger: boolean;
  /** Ends the connection whose place another one needs. */
  onEvict: () => void = () => {};
  readonly #free: (lease: Lease) => void;
  /** The TCP connection or polling request that asked for the place is the first holder. */
  #holders = 1;
  #isHeldByRequest = true;

  constructor(address: string, isStranger: boolean, free: (lease: Lease) => void) {
    this.address = address;
    this.isStranger = isStranger;
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
    if (--this.#holders === 0) this.#free(this);
  }

  /** Frees the place now, whoever holds it, and ends the connection. */
  evict(): void {
    if (this.#holders > 0) this.#free(this);
    this.#holders = 0;
    this.onEvict();
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
  /** Strangers who had to make room. */
  evicted = 0;
  /** Places of those who have signed in. */
  #known = 0;
  /** Those who have not, the oldest first. */
  readonly #strangers = new Set<Lease>();
  readonly #takenByAddress = new Map<string, number>();
  readonly #leases = new WeakMap<IncomingMessage, Lease>();
  readonly #options: ConnectionLimiterOptions;

  constructor(options: ConnectionLimiterOptions) {
    this.#options = options;
  }

  /** Places taken, half-open handshakes included. */
  get taken(): number {
    return this.#known + this.#strangers.size;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /** Whether a request of any kind may pass; a refusal is counted. */
  checkOrigin(req: IncomingMessage): Refusal | undefined {
    return this.#options.isOriginAllowed(req) ? undefined : this.#refuse("origin");
  }

  /** Takes a place for a new connection, or says why not. */
  enter(req: IncomingMessage): Lease | Refusal {
    const { maxConnections, maxConnectionsPerAddress, maxStrangers, trustedProxies } =
      this.#options;
    if (this.stopping) return this.#refuse("stopping");
    if (this.#known >= maxConnections) return this.#refuse("connections");
    const address = limitedAddress(req, trustedProxies);
    const ofAddress = () => this.#takenByAddress.get(address) ?? 0;
    if (ofAddress() >= maxConnectionsPerAddress && !this.#evictStranger(address)) {
      return this.#refuse("connections_per_address");
    }
    const isStranger = maxStrangers !== undefined;
    if (isStranger && this.#strangers.size >= maxStrangers) this.#evictStranger();
    const lease = new Lease(address, isStranger, (freed) => this.#leave(freed));
    if (isStranger) this.#strangers.add(lease);
    else this.#known++;
    this.#takenByAddress.set(address, ofAddress() + 1);
    this.#leases.set(req, lease);
    return lease;
  }

  /** The connection has signed in; `false` when there is no place for it among those who have. */
  welcome(lease: Lease): boolean {
    if (!lease.isStranger) return true;
    if (this.#known >= this.#options.maxConnections) {
      this.refusals.connections++;
      return false;
    }
    if (!this.#strangers.delete(lease)) return false;
    lease.isStranger = false;
    this.#known++;
    return true;
  }

  /** The place that a request took. */
  leaseOf(req: IncomingMessage): Lease | undefined {
    return this.#leases.get(req);
  }

  /** Makes the oldest stranger go, of all or of one address. */
  #evictStranger(address?: string): boolean {
    for (const lease of this.#strangers) {
      if (address !== undefined && lease.address !== address) continue;
      this.evicted++;
      lease.evict();
      return true;
    }
    return false;
  }

  #leave(lease: Lease): void {
    if (lease.isStranger) this.#strangers.delete(lease);
    else this.#known--;
    const left = (this.#takenByAddress.get(lease.address) ?? 1) - 1;
    if (left > 0) this.#takenByAddress.set(lease.address, left);
    else this.#takenByAddress.delete(lease.address);
  }

  #refuse(reason: RefusalReason): Refusal {
    this.refusals[reason]++;
    return REFUSALS[reason];
  }
}
