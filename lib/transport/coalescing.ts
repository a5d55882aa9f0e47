import { Encoder, type Packet, PacketType } from "socket.io-parser";

/** How packets of one stream merge for a socket that is behind. `args` is `[eventName, payload]`. */
export interface Coalescer {
  /** The key under which packets of one stream may merge; undefined: never. */
  keyOf(args: readonly unknown[]): string | undefined;
  /**
   * One packet that says what both said, in order; undefined when the later one does not follow the earlier, and both
   * must be sent. Must leave its arguments as they are: others share them.
   */
  merge(earlier: readonly unknown[], later: readonly unknown[]): unknown[] | undefined;
}

/** Whether a socket wants a packet of a stream, by its `[eventName, payload]`. */
export type StreamFilter = (args: readonly unknown[]) => boolean;

/** An encoded packet, looked at from the side of its stream. */
export interface StreamPacket {
  key: string;
  nsp: string;
  args: readonly unknown[];
}

/**
 * Socket.IO's encoder, which also remembers the last packet it encoded.
 *
 * An adapter encodes a packet once and then writes it to each receiver, without a break in between, so a receiver that is
 * behind can ask what the text was made from. If something else was encoded meanwhile, the texts differ, and the packet
 * is not merged: the memory can miss, but never err. Whoever is not behind never asks.
 */
export class RememberingEncoder extends Encoder {
  #coalescer: Coalescer | undefined;
  #text: string | undefined;
  #packet: Packet | undefined;
  #stream: StreamPacket | undefined;
  #isStreamKnown = false;

  use(coalescer: Coalescer): void {
    this.#coalescer = coalescer;
  }

  override encode(packet: Packet): string[] {
    const encoded = super.encode(packet) as string[];
    this.#text = encoded.length === 1 ? encoded[0] : undefined;
    this.#packet = packet;
    this.#isStreamKnown = false;
    return encoded;
  }

  /** What `text` says, if it belongs to a stream whose packets may merge. */
  streamOf(text: string): StreamPacket | undefined {
    if (text !== this.#text) return undefined;
    if (!this.#isStreamKnown) {
      this.#stream = this.#read(text);
      this.#isStreamKnown = true;
    }
    return this.#stream;
  }

  /** Reads the text, not the packet's own data: its owner may have changed that since. */
  #read(text: string): StreamPacket | undefined {
    const packet = this.#packet;
    if (packet?.type !== PacketType.EVENT || packet.id !== undefined) return undefined;
    const nsp = packet.nsp;
    const start = nsp === "/" ? 1 : nsp.length + 2;
    const args = JSON.parse(text.slice(start)) as unknown[];
    const key = this.#coalescer?.keyOf(args);
    return key === undefined ? undefined : { key: `${nsp},${key}`, nsp, args };
  }
}
