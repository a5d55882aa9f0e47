import type { Logger } from "../common/logger.ts";
import { type Connection, cut, STATE } from "./connection.ts";
import type { Counters } from "./stats.ts";

/** A client may send what it is allowed in this many seconds all at once. */
const BURST_SECONDS = 2;

export interface InboundOptions {
  maxPacketsPerSecond: number;
  /** Default: without end. */
  maxBytesPerSecond?: number;
  /** The largest message: four of them may come at once. */
  maxPayloadBytes: number;
  counters: Counters;
  logger: Logger;
}

interface ReceivedPacket {
  type?: string;
  data?: string | Uint8Array;
}

/**
 * Counts what a connection receives, and cuts it when packets or bytes flood in: any run of
 * `BURST_SECONDS * rate` of them has to take at least `BURST_SECONDS`. The clock is asked once a run,
 * not once a packet.
 */
export function inboundGuard(options: InboundOptions): (connection: Connection) => void {
  const { counters, logger, maxPacketsPerSecond, maxBytesPerSecond = Infinity } = options;
  const burst = burstOf(maxPacketsPerSecond);
  const burstBytes = Math.max(BURST_SECONDS * maxBytesPerSecond, 4 * options.maxPayloadBytes);
  const windowMs = (bytesLeft: number) =>
    1_000 * (bytesLeft < 0 ? burstBytes / maxBytesPerSecond : BURST_SECONDS);

  function onPacket(this: Connection, packet: ReceivedPacket): void {
    counters.receivedPackets++;
    const bytes = packet.data?.length ?? 0;
    counters.receivedBytes += bytes;
    const state = this[STATE];
    if (packet.type !== "pong") state.packets++;
    state.receivedBytes += bytes;
    const bytesLeft = burstBytes - state.receivedBytes;
    if (--state.packetsLeft >= 0 && bytesLeft >= 0) return;
    const now = performance.now();
    if (now - state.windowStartMs < windowMs(bytesLeft)) {
      counters.floodsCut++;
      logger.warn("flood cut", {
        socket: this.id,
        address: state.lease?.address,
        ...(bytesLeft < 0 ? { maxBytesPerSecond } : { maxPacketsPerSecond }),
      });
      cut(this);
      return;
    }
    state.windowStartMs = now;
    state.packetsLeft = burst;
    state.receivedBytes = 0;
  }

  return (connection) => {
    connection.on("packet", onPacket);
  };
}

/** How many packets may come at once. */
export function burstOf(maxPacketsPerSecond: number): number {
  return Math.max(1, Math.ceil(maxPacketsPerSecond * BURST_SECONDS));
}
