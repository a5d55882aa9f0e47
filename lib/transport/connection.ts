import type { Server as EngineServer, Socket as EngineSocket, Transport } from "engine.io";
import type { Socket as NetSocket } from "node:net";
import type { ServerResponse } from "node:http";
import type { Socket } from "socket.io";
import type { Lease } from "./connection_limiter.ts";
import type { StreamFilter } from "./coalescing.ts";
import type { HeldPackets } from "./held_packets.ts";
import type { PacketOptions } from "./packet.ts";

/** What the engine's WebSocket transport and the polling transport keep, beyond their public types. */
interface TransportInternals {
  writable: boolean;
  socket?: {
    readyState: number;
    close(): void;
    terminate(): void;
    _receiver?: { _maxPayload: number };
    _sender?: { sendFrame?: unknown };
    /** Beneath the WebSocket. */
    _socket?: NetSocket | null;
  };
  perMessageDeflate?: unknown;
  /** The largest body that the polling transport takes. */
  maxHttpBufferSize?: number;
  req?: { destroy(): void } | null;
  res?: ServerResponse | null;
  /** Ends a polling transport that waits for a poll by which it could tell of the end. */
  shouldClose?: (() => void) | null;
}

/**
 * The parts of engine.io's `Socket` this server builds on that are private there. Every use of them is in
 * `outbound.ts` and in this file; `engine_internals_test.ts` fails when the library changes them.
 */
export type Connection = Omit<EngineSocket, "write" | "flush" | "transport"> & {
  id: string;
  transport: Transport & TransportInternals;
  writeBuffer: unknown[];
  write(data: string | Uint8Array, options?: PacketOptions, callback?: () => void): Connection;
  flush(): void;
  [STATE]: ConnectionState;
};

export const STATE = Symbol("transport state");

/** What this server keeps of a connection: one object, made at its start. */
export class ConnectionState {
  readonly lease: Lease | undefined;
  /** Bytes that wait in the engine's write buffer. */
  queuedBytes = 0;
  /** Bytes of the batch that was last taken from it and hasn't left the transport. */
  inFlightBytes = 0;
  /** Packets that may still merge; undefined while the socket keeps up. */
  held: HeldPackets | undefined;
  /** The text of an event whose attachment comes next. */
  awaiting: string | undefined;
  /** Which streams the socket wants; undefined: all. */
  wants: StreamFilter | undefined;
  /** How many packets may still come before the clock is asked. */
  packetsLeft: number;
  windowStartMs: number;
  /** Since then. */
  receivedBytes = 0;
  /** Sent and received so far; pings are none. */
  packets = 0;
  /** `packets` when `IdleConnections` looked last. */
  packetsSeen = -1;
  /** The TCP connection of the last polling request. */
  pollingSocket: NetSocket | undefined;

  constructor(lease: Lease | undefined, packetsLeft: number, windowStartMs: number) {
    this.lease = lease;
    this.packetsLeft = packetsLeft;
    this.windowStartMs = windowStartMs;
  }
}

/**
 * Lets go of the request that a connection began with. Once Socket.IO has made its handshake of it,
 * nobody asks for it any more, and it is a good part of what an idle connection takes.
 */
export function forgetRequest({ conn, handshake }: Pick<Socket, "conn" | "handshake">): void {
  Object.assign(conn, { request: undefined });
  handshake.headers = {};
}

/** The connections that the engine knows, by their session ids. */
export function connectionsOf(engine: EngineServer): Record<string, Connection> {
  // The types of engine.io 6.6.12 keep `clients` to its own classes.
  return (engine as unknown as { clients: Record<string, Connection> }).clients;
}

/** Whether the transport sends frames as they were prepared, and attachments as they are (Engine.IO 4). */
export function sendsFrames({ transport, protocol }: Connection): boolean {
  return protocol === 4 && !transport.perMessageDeflate &&
    typeof transport.socket?._sender?.sendFrame === "function";
}

/**
 * Sets the largest message that the transport takes from here on. Neither `ws` 8.23 nor engine.io
 * 6.6 can change it in public: each reads the field at every message.
 */
export function limitPayload(transport: Transport & TransportInternals, maxBytes: number): void {
  const receiver = transport.socket?._receiver;
  if (receiver !== undefined) receiver._maxPayload = maxBytes;
  else transport.maxHttpBufferSize = maxBytes;
}

/** `WebSocket.OPEN` */
const OPEN = 1;

/** What was written to past the engine in this turn of the event loop. */
let written: [Connection, Connection["transport"]][] = [];

/**
 * Sends a frame of a WebSocket past engine.io's queue and `ws`' own, where nothing waits in any of
 * them: it is what they would send, without the packet, the callback and the events that each write
 * costs them. What follows within the turn waits for its end, as one batch. Says whether it was sent.
 */
export function sendAtOnce(connection: Connection, frame: Uint8Array): boolean {
  const { readyState, writeBuffer, transport } = connection;
  const { socket } = transport;
  const tcp = socket?._socket;
  if (!tcp || readyState !== "open" || socket?.readyState !== OPEN) return false;
  if (!transport.writable || writeBuffer.length > 0) return false;
  if (!tcp.writable || tcp.writableLength > 0) return false;
  tcp.write(frame);
  transport.writable = false;
  if (written.push([connection, transport]) === 1) queueMicrotask(endTurn);
  return true;
}

function endTurn(): void {
  const all = written;
  written = [];
  for (const [connection, transport] of all) {
    transport.writable = true;
    if (connection.writeBuffer.length > 0 || connection[STATE].held) connection.flush();
  }
}

/**
 * Ends a connection at once, without asking the peer: what is queued is freed now, not when the peer gets around to it.
 * The engine's `close` comes in a microtask, so that nobody's handler runs in the middle of a broadcast.
 */
export function cut(connection: Connection): void {
  if (connection.readyState !== "open") return;
  connection.readyState = "closing";
  connection.writeBuffer = [];
  const state = connection[STATE];
  state.held = undefined;
  state.queuedBytes = 0;
  const { transport } = connection;
  transport.socket?.terminate();
  queueMicrotask(() => {
    connection.close(true);
    state.pollingSocket?.destroy();
  });
}

/** How long a connection may take to end after it was left. */
const LEAVING_MS = 5_000;

/**
 * Ends a connection once what is queued has been sent, as the network would: without a word of
 * WebSocket's. OkHttp, and so the official client of Java, does not take a close frame for an end
 * (socket.io-client 2.1), and would come back only after a ping that fails 45 s later.
 */
export function leave(connection: Connection): void {
  const { socket } = connection.transport;
  if (socket) {
    socket.close = () => {
      const tcp = socket._socket;
      tcp?.setTimeout(LEAVING_MS, () => tcp.destroy());
      tcp?.end();
    };
  }
  connection.close();
}

/**
 * Ends a polling transport that waits for one more poll, as the engine does for 30 seconds: also when the session is gone,
 * of which no poll can come.
 */
export function stopAwaitingPoll({ transport }: Connection): void {
  const end = transport.shouldClose;
  transport.shouldClose = null;
  end?.();
}
