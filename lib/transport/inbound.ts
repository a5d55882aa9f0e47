import type { Logger } from "../common/logger.ts";
import { type Connection, cut, STATE } from "./connection.ts";
import type { Counters } from "./stats.ts";

/** A client may send what it is allowed in this many seconds all at once. */
const BURST_SECONDS = 2;

export interface InboundOptions {
  maxPacketsPerSecond: number;
  counters: Counters;
  logger: Logger;
}

interface ReceivedPacket {
  data?: string | Uint8Array;
}

/**
 * Counts what a connection receives, and cuts it when packets flood in: any run of `BURST_SECONDS * rate` packets has to
 * take at least `BURST_SECONDS`. The clock is asked once a run, not once a packet.
 */
export function inboundGuard(options: InboundOptions): (connection: Connection) => void {
  const { counters, logger, maxPacketsPerSecond } = options;
  const burst = burstOf(maxPacketsPerSecond);

  function onPacket(this: Connection, packet: ReceivedPacket): void {
    counters.receivedPackets++;
    if (packet.data !== undefined) counters.receivedBytes += packet.data.length;
    const state = this[STATE];
    if (--state.packetsLeft >= 0) return;
    const now = performance.now();
    if (now - state.windowStartMs < BURST_SECONDS * 1_000) {
      counters.floodsCut++;
      logger.warn("flood cut", {
        socket: this.id,
        address: state.lease?.address,
        maxPacketsPerSecond,
      });
      cut(this);
      return;
    }
    state.windowStartMs = now;
    state.packetsLeft = burst;
  }

  return (connection) => {
    connection.on("packet", onPacket);
  };
}

/** How many packets may come at once. */
export function burstOf(maxPacketsPerSecond: number): number {
  return Math.max(1, Math.ceil(maxPacketsPerSecond * BURST_SECONDS));
}
