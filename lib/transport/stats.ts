import type { RefusalReason } from "./connection_limiter.ts";

/** What the transport has seen so far. Counters only rise; `sockets` and `tcpConnections` are of now. */
export interface TransportStats {
  /** Socket.IO connections, half-open handshakes included. */
  sockets: number;
  /** Those of them on which nobody has signed in. */
  strangers: number;
  /** TCP connections of any kind that node:http still holds. */
  tcpConnections: number;
  receivedPackets: number;
  /** Payloads of Engine.IO packets, text counted in characters. */
  receivedBytes: number;
  sentPackets: number;
  /** As `receivedBytes`; for text that was framed ahead, its bytes. */
  sentBytes: number;
  /** Packets that were merged into an earlier one of their stream. */
  mergedPackets: number;
  /** Packets of streams that their socket does not want: not sent. */
  unwantedPackets: number;
  /** Packets larger than what may wait for a socket, sent all the same. */
  largePackets: number;
  slowReadersCut: number;
  floodsCut: number;
  oversized: number;
  /** Sockets that were let go because other instances have fewer. */
  handedOver: number;
  /** Strangers who made room for others, or whose time was over. */
  strangersCut: number;
  /** TCP connections beyond the limits of all or of one address. */
  tcpRefused: number;
  /** Answers that ended because nobody read them. */
  answersUnread: number;
  /** TCP connections that never finished a request in time. */
  requestTimeouts: number;
  refusals: Readonly<Record<RefusalReason, number>>;
}

/** The counters of the hot path: plain numbers on one object. */
export class Counters {
  receivedPackets = 0;
  receivedBytes = 0;
  sentPackets = 0;
  sentBytes = 0;
  mergedPackets = 0;
  unwantedPackets = 0;
  largePackets = 0;
  slowReadersCut = 0;
  floodsCut = 0;
  oversized = 0;
  handedOver = 0;
}
