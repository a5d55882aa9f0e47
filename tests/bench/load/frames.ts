/**
 * Just enough of RFC 6455 for a load generator: masked text frames out, unmasked frames in. By hand,
 * because a full client library would cost more than some of the servers that are measured.
 */

const encoder = new TextEncoder();

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Not zero: some servers skip the unmasking of a zero mask, and would do less than the others. */
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

/** A whole masked frame of the client. */
export function clientFrame(
  content: string | Uint8Array,
  opcode: number = OPCODE.text,
): Uint8Array<ArrayBuffer> {
  const payload = typeof content === "string" ? encoder.encode(content) : content;
  if (payload.length > 0xffff) throw new RangeError("Cannot frame: longer than 65,535 bytes");
  const header = payload.length < 126
    ? [0x80 | opcode, 0x80 | payload.length]
    : [0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff];
  const frame = new Uint8Array(header.length + 4 + payload.length);
  frame.set(header);
  frame.set(MASK, header.length);
  const start = header.length + 4;
  for (let i = 0; i < payload.length; i++) {
    frame[start + i] = (payload[i] ?? 0) ^ (MASK[i & 3] ?? 0);
  }
  return frame;
}

/** Given each whole frame; `payload` is only valid during the call. */
export type OnFrame = (opcode: number, payload: Uint8Array) => void;

/** Cuts the server's bytes into frames; keeps what is not whole yet. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  push(bytes: Uint8Array): void {
    let data = bytes;
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + bytes.length);
      data.set(this.#rest);
      data.set(bytes, this.#rest.length);
    }
    let at = 0;
    while (true) {
      const frame = frameAt(data, at);
      if (frame === undefined) break;
      this.#onFrame(frame.opcode, data.subarray(frame.start, frame.end));
      at = frame.end;
    }
    // Copied: the caller reads its next bytes into the same buffer.
    this.#rest = at === data.length ? new Uint8Array(0) : data.slice(at);
  }
}

function frameAt(
  data: Uint8Array,
  at: number,
): { opcode: number; start: number; end: number } | undefined {
  if (data.length - at < 2) return undefined;
  const opcode = (data[at] ?? 0) & 0x0f;
  let length = (data[at + 1] ?? 0) & 0x7f;
  let start = at + 2;
  if (length >= 126) {
    const size = length === 126 ? 2 : 8;
    if (data.length - start < size) return undefined;
    const view = new DataView(data.buffer, data.byteOffset + start, size);
    length = size === 2 ? view.getUint16(0) : Number(view.getBigUint64(0));
    start += size;
  }
  const end = start + length;
  return end > data.length ? undefined : { opcode, start, end };
}
