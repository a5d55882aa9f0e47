import { Socket as EngineSocket } from "engine.io";
import type { Logger } from "../common/logger.ts";
import type { Coalescer, RememberingEncoder, StreamFilter } from "./coalescing.ts";
import { type Connection, cut, sendAtOnce, sendsFrames, STATE } from "./connection.ts";
import { HeldPackets } from "./held_packets.ts";
import type { PacketOptions } from "./packet.ts";
import type { Counters } from "./stats.ts";
import { framesWith, messageFrame } from "./text_frame.ts";

/** Up to this size a frame for an idle socket is written at once: it is not counted. */
const MAX_AT_ONCE_BYTES = 16 * 1024;

/** A socket with this much waiting is behind: from here on its streams merge. */
const BEHIND_BYTES = 64 * 1024;

/** After a measuring, this share of the bound must be free again, so that measuring stays rare. */
const SHARE_AFTER_MEASURING = 0.75;

export interface OutboundOptions {
  maxSendBufferBytes: number;
  counters: Counters;
  logger: Logger;
  coalescing: { coalescer: Coalescer; encoder: RememberingEncoder } | undefined;
}

/** The engine's own methods, wrapped below. `flush` is private there. */
const engine = EngineSocket.prototype as unknown as Pick<Connection, "write" | "flush">;
const engineWrite = engine.write;
const engineFlush = engine.flush;

/** Socket.IO's packet types whose text is followed by binary packets with the same options: 5 and 6. */
const BINARY_EVENT = "5".charCodeAt(0);
/** An event, or an ack, that is followed by one attachment. */
const WITH_ATTACHMENT = /^[56]1-/;

/**
 * Puts the bound and the merging between Socket.IO and an engine connection, by standing in for its `write` and `flush`.
 *
 * The two functions are shared by all connections, and a socket that keeps up costs them a few comparisons: no closure,
 * no listener and no allocation. How much waits is known without looking at a queue: the engine hands its write buffer
 * to the transport as a whole and takes the next batch only when that one has left, so two numbers are enough.
 * A packet for an idle socket is not counted, whatever its size: one packet may always be under way. Nor is one that is
 * larger than the bound by itself, where nothing else waits: it would cut everybody who is in its room.
 *
 * Streams merge within themselves; a packet that doesn't merge never overtakes one that waits.
 */
export function outboundGuard(options: OutboundOptions): (connection: Connection) => void {
  const { maxSendBufferBytes, counters, logger, coalescing } = options;

  function send(
    connection: Connection,
    data: string | Uint8Array,
    size: number,
    packetOptions: PacketOptions | undefined,
    callback?: () => void,
  ): Connection {
    counters.sentPackets++;
    counters.sentBytes += size;
    connection[STATE].packets++;
    return engineWrite.call(connection, data, packetOptions, callback);
  }

  function write(
    this: Connection,
    data: string | Uint8Array,
    packetOptions: PacketOptions = {},
    callback?: () => void,
  ): Connection {
    const state = this[STATE];
    if (state.wants !== undefined && callback === undefined && !isWanted(state.wants, data)) {
      counters.unwantedPackets++;
      return this;
    }
    const { awaiting } = state;
    if (awaiting !== undefined && data instanceof Uint8Array) {
      state.awaiting = undefined;
      return write.call(this, awaiting, joined(awaiting, data, packetOptions), callback);
    }
    if (isAwaiting(this, data, packetOptions)) {
      // Socket.IO writes the attachment next, before anything else.
      state.awaiting = data as string;
      return this;
    }
    let size = data.length;
    if (typeof data === "string") {
      const encoded = packetOptions.wsPreEncodedFrame;
      if (encoded !== undefined ? encoded.length !== 1 : data.charCodeAt(0) < BINARY_EVENT) {
        packetOptions.wsPreEncodedFrame = messageFrame(data, encoded);
      }
      size = packetOptions.wsPreEncodedFrame?.[0]?.length ?? size;
    }
    if (this.transport.writable) {
      state.inFlightBytes = 0;
      state.queuedBytes = 0;
      if (size > maxSendBufferBytes) counters.largePackets++;
      const [frame, more] = packetOptions.wsPreEncodedFrame ?? [];
      const isSmall = frame && more === undefined && size <= MAX_AT_ONCE_BYTES;
      if (isSmall && callback === undefined && sendAtOnce(this, frame)) {
        counters.sentPackets++;
        counters.sentBytes += size;
        return this;
      }
      return send(this, data, size, packetOptions, callback);
    }
    return writeLater(this, data, size, packetOptions, callback);
  }

  /** Whether it is the text of an event that goes with its attachment. */
  function isAwaiting(
    connection: Connection,
    data: string | Uint8Array,
    { wsPreEncodedFrame }: PacketOptions,
  ): boolean {
    return typeof data === "string" && data.charCodeAt(0) >= BINARY_EVENT &&
      wsPreEncodedFrame === undefined && WITH_ATTACHMENT.test(data) && sendsFrames(connection);
  }

  /** The options of the packet that brings both, made once for all receivers. */
  function joined(text: string, bytes: Uint8Array, packetOptions: PacketOptions): PacketOptions {
    const made = packetOptions.joined;
    if (made && made.text === text && made.bytes === bytes) return made.options;
    const options = { ...packetOptions, wsPreEncodedFrame: framesWith(text, bytes) };
    packetOptions.joined = { text, bytes, options };
    return options;
  }

  function isWanted(wants: StreamFilter, data: string | Uint8Array): boolean {
    if (coalescing === undefined || typeof data !== "string") return true;
    const packet = coalescing.encoder.streamOf(data);
    return packet === undefined || wants(packet.args);
  }

  function writeLater(
    connection: Connection,
    data: string | Uint8Array,
    size: number,
    packetOptions: PacketOptions,
    callback: (() => void) | undefined,
  ): Connection {
    if (connection.readyState !== "open") return connection;
    const state = connection[STATE];
    if (connection.writeBuffer.length === 0) {
      // The transport has taken the batch (if there was one) since the last packet came.
      state.inFlightBytes = state.queuedBytes || state.inFlightBytes;
      state.queuedBytes = 0;
    }
    if (callback === undefined && hold(connection, data, packetOptions)) return connection;
    if (state.held !== undefined) release(connection);
    if (size > maxSendBufferBytes && connection.writeBuffer.length === 0) {
      // Its size alone says nothing of the reader; another of its kind behind it does.
      counters.largePackets++;
      return send(connection, data, size, packetOptions, callback);
    }
    state.queuedBytes += size;
    if (state.queuedBytes + state.inFlightBytes > maxSendBufferBytes) {
      cutSlowReader(connection);
      return connection;
    }
    return send(connection, data, size, packetOptions, callback);
  }

  /** Lets a packet wait in its stream's slot, if the socket is behind and the packet may merge. */
  function hold(
    connection: Connection,
    data: string | Uint8Array,
    packetOptions: PacketOptions,
  ): boolean {
    if (coalescing === undefined || typeof data !== "string") return false;
    const state = connection[STATE];
    const waiting = state.queuedBytes + state.inFlightBytes;
    if (state.held === undefined && waiting < BEHIND_BYTES) return false;
    const packet = coalescing.encoder.streamOf(data);
    if (packet === undefined) return false;
    state.held ??= new HeldPackets(coalescing.coalescer);
    if (state.held.hold(packet, data, packetOptions)) counters.mergedPackets++;
    if (
      waiting + state.held.bytes > maxSendBufferBytes &&
      waiting + state.held.measure() > maxSendBufferBytes * SHARE_AFTER_MEASURING
    ) {
      cutSlowReader(connection);
    }
    return true;
  }

  /** Queues what was held. The engine's buffer is flushed by whoever asked. */
  function release(connection: Connection): void {
    const state = connection[STATE];
    const held = state.held;
    if (held === undefined) return;
    state.held = undefined;
    for (const { text, options: packetOptions } of held.release()) {
      state.queuedBytes += text.length;
      send(connection, text, text.length, packetOptions);
    }
  }

  function flush(this: Connection): void {
    if (this[STATE].held !== undefined && this.transport.writable) release(this);
    engineFlush.call(this);
  }

  function cutSlowReader(connection: Connection): void {
    const { queuedBytes, inFlightBytes, held, lease } = connection[STATE];
    counters.slowReadersCut++;
    logger.warn("slow reader cut", {
      socket: connection.id,
      address: lease?.address,
      waitingBytes: queuedBytes + inFlightBytes + (held?.bytes ?? 0),
      maxSendBufferBytes,
    });
    cut(connection);
  }

  return (connection) => {
    connection.write = write;
    connection.flush = flush;
  };
}
