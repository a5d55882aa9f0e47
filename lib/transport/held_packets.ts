import { Encoder, PacketType } from "socket.io-parser";
import type { Coalescer, StreamPacket } from "./coalescing.ts";
import type { PacketOptions } from "./connection.ts";

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

/** Packets that wait for a socket to drain, one slot a stream, in the order in which the streams began to wait. */
export class HeldPackets {
  bytes = 0;
  readonly #slots = new Map<string, Slot>();
  readonly #coalescer: Coalescer;

  constructor(coalescer: Coalescer) {
    this.#coalescer = coalescer;
  }

  /** Puts a packet into its stream's slot; returns whether it was merged into one that waited. */
  hold(packet: StreamPacket, text: string, options: PacketOptions): boolean {
    this.bytes += text.length;
    const slot = this.#slots.get(packet.key);
    if (slot === undefined) {
      const { nsp, args } = packet;
      this.#slots.set(packet.key, {
        nsp,
        args,
        bytes: text.length,
        original: { text, options },
      });
      return false;
    }
    slot.args = this.#coalescer.merge(slot.args, packet.args);
    slot.bytes += text.length;
    slot.original = undefined;
    return true;
  }

  /** Replaces the upper bound by the true size. Costs an encoding of everything held: ask when it decides something. */
  measure(): number {
    this.bytes = 0;
    for (const slot of this.#slots.values()) {
      slot.bytes = encode(slot).length;
      this.bytes += slot.bytes;
    }
    return this.bytes;
  }

  /** The packets as they are to be sent now, in order. */
  *release(): Generator<{ text: string; options: PacketOptions }> {
    for (const slot of this.#slots.values()) {
      yield slot.original ?? { text: encode(slot), options: { compress: true } };
    }
  }
}
