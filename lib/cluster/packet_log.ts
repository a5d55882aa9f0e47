export interface LoggedPacket {
  seq: number;
  /** None: for everybody. */
  rooms: readonly string[];
  except: readonly string[];
  /** The event's name and arguments, with the offset behind them. */
  data: unknown[];
  size: number;
  atMs: number;
}

export interface PacketLogOptions {
  maxAgeMs: number;
  /** Of all packets together, about. */
  maxBytes: number;
}

const NONE: readonly string[] = [];

/** What was sent to rooms here lately, in order: for those who come back and ask what they missed. */
export class PacketLog {
  readonly #options: PacketLogOptions;
  /** Tells the offsets of this log from another's. */
  readonly #tag = crypto.randomUUID().slice(0, 8);
  #packets: LoggedPacket[] = [];
  /** Where the packets begin that still count. */
  #first = 0;
  #bytes = 0;
  #seq = 0;
  /** Before this, something may be missing. */
  #completeFrom = 0;

  constructor(options: PacketLogOptions) {
    this.#options = options;
  }

  get seq(): number {
    return this.#seq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What a client is to say that has all packets up to now. */
  get offset(): string {
    return this.#offsetOf(this.#seq);
  }

  /** Takes an event's name and arguments, and returns them with their offset behind them. */
  append(args: unknown[], rooms: ReadonlySet<string>, except: ReadonlySet<string>): unknown[] {
    const seq = ++this.#seq;
    const size = sizeOf(args);
    const data = [...args, this.#offsetOf(seq)];
    // Thousands are kept for minutes: a list of one name takes a tenth of what a set of one does.
    this.#packets.push({
      ...{ seq, data, size, atMs: performance.now() },
      rooms: rooms.size === 0 ? NONE : [...rooms],
      except: except.size === 0 ? NONE : [...except],
    });
    this.#bytes += size;
    this.#trim();
    return data;
  }

  /** The number behind an offset, if what came after it is known; `undefined` otherwise. */
  positionOf(offset: string): number | undefined {
    const [tag, text = "", ...more] = offset.split(".");
    const seq = Number.parseInt(text, 36);
    if (tag !== this.#tag || more.length > 0 || !Number.isSafeInteger(seq)) return undefined;
    this.#trim();
    return seq >= this.#completeFrom && seq <= this.#seq ? seq : undefined;
  }

  /** What was sent to any of the rooms after one position and up to another. */
  between(after: number, upTo: number, rooms: ReadonlySet<string>): LoggedPacket[] {
    const found: LoggedPacket[] = [];
    for (let at = this.#packets.length - 1; at >= this.#first; at--) {
      const packet = this.#packets[at];
      if (packet === undefined || packet.seq <= after) break;
      if (packet.seq <= upTo && isFor(packet, rooms)) found.push(packet);
    }
    return found.reverse();
  }

  /** Something was lost: what is known from here on is complete, and nothing before. */
  interrupt(): void {
    this.#packets = [];
    this.#first = this.#bytes = 0;
    this.#completeFrom = ++this.#seq;
  }

  #offsetOf(seq: number): string {
    return `${this.#tag}.${seq.toString(36)}`;
  }

  #trim(): void {
    const { maxAgeMs, maxBytes } = this.#options;
    const oldestMs = performance.now() - maxAgeMs;
    for (;;) {
      const packet = this.#packets[this.#first];
      if (packet === undefined || (packet.atMs >= oldestMs && this.#bytes <= maxBytes)) break;
      this.#bytes -= packet.size;
      this.#completeFrom = packet.seq;
      this.#first++;
    }
    // Not one by one: each would move all that follow.
    if (this.#first > 1_000 && this.#first > this.#packets.length / 2) {
      this.#packets = this.#packets.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** Whether one that is in the rooms is sent the packet. */
export function isFor(
  packet: Pick<LoggedPacket, "rooms" | "except">,
  rooms: ReadonlySet<string>,
): boolean {
  const isIn = (room: string) => rooms.has(room);
  const isMeant = packet.rooms.length === 0 || packet.rooms.some(isIn);
  return isMeant && !packet.except.some(isIn);
}

/** About what it takes as JSON, without making that. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return 8;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  let size = 2;
  for (const name in value) {
    size += name.length + 4 + sizeOf((value as Record<string, unknown>)[name]);
  }
  return size;
}
