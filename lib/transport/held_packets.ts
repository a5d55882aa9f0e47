import { Encoder, PacketType } from "socket.io-parser";
import type { Coalescer, StreamPacket } from "./coalescing.ts";
import type { PacketOptions } from "./packet.ts";

interface Slot {
  nsp: string;
  args: readonly unknown[];
  /** Encoded size: exact when measured, an upper bound after a merge. */
  bytes: number;
  /** The packet as it came, for as long as nothing was merged into it. */
  original: { text: string; options: PacketOptions } | undefined;
}

const encoder = new Encoder();

function encode(slot: Slot): string {
  return slot.original?.text ??
    encoder.encode({ type: PacketType.EVENT, nsp: slot.nsp, data: slot.args })[0];
}

/**
 * Packets that wait for a socket to drain, in the order in which they began to wait: one slot a stream, and another
 * where a packet does not follow the one before.
 */
export class HeldPackets {
  bytes = 0;
  readonly #slots: Slot[] = [];
  readonly #latest = new Map<string, Slot>();
  readonly #coalescer: Coalescer;

  constructor(coalescer: Coalescer) {
    this.#coalescer = coalescer;
  }

  /** Puts a packet into its stream's slot; returns whether it was merged into one that waited. */
  hold(packet: StreamPacket, text: string, options: PacketOptions): boolean {
    this.bytes += text.length;
    const waiting = this.#latest.get(packet.key);
    const merged = waiting && this.#coalescer.merge(waiting.args, packet.args);
    if (waiting !== undefined && merged !== undefined) {
      waiting.args = merged;
      waiting.bytes += text.length;
      waiting.original = undefined;
      return true;
    }
    const { nsp, args } = packet;
    const slot: Slot = { nsp, args, bytes: text.length, original: { text, options } };
    this.#slots.push(slot);
    this.#latest.set(packet.key, slot);
    return false;
  }

  /** Replaces the upper bound by the true size. Costs an encoding of everything held: ask when it decides something. */
  measure(): number {
    this.bytes = 0;
    for (const slot of this.#slots) {
      slot.bytes = encode(slot).length;
      this.bytes += slot.bytes;
    }
    return this.bytes;
  }

  /** The packets as they are to be sent now, in order. */
  *release(): Generator<{ text: string; options: PacketOptions }> {
    for (const slot of this.#slots) {
      yield slot.original ?? { text: encode(slot), options: { compress: true } };
    }
  }
}
