import { Buffer } from "node:buffer";
import type { Encoder, Packet } from "socket.io-parser";
import type { Frame, PacketOptions } from "./packet.ts";

const FIN_AND_TEXT = 0x81;
const FIN_AND_BINARY = 0x82;

/** An unmasked, unfragmented WebSocket frame with room for its payload, which begins at `start` (RFC 6455, 5.2). */
function emptyFrame(opcode: number, length: number): { frame: Buffer; start: number } {
  const start = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = opcode;
  if (start === 2) {
    frame[1] = length;
  } else if (start === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUIntBE(0, 2, 2);
    frame.writeUIntBE(length, 4, 6);
  }
  return { frame, start };
}

/** A text frame, header and payload in one piece. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const { frame, start } = emptyFrame(FIN_AND_TEXT, length);
  frame.write(text, start, length, "utf8");
  return frame;
}

/** The frames of an Engine.IO message and of its attachment in one piece: one write for both. */
export function framesWith(text: string, attachment: Uint8Array): Frame {
  const { frame, start } = emptyFrame(FIN_AND_BINARY, attachment.length);
  frame.set(attachment, start);
  return [Buffer.concat([textFrame("4" + text), frame])];
}

/** The frame of an Engine.IO message in one piece: half the writes of a header and a payload. */
export function messageFrame(text: string, encoded: Frame | undefined): Frame {
  return [encoded === undefined ? textFrame("4" + text) : Buffer.concat(encoded)];
}

/**
 * Lets an adapter encode a broadcast to that one piece: what `socket.io-adapter` 2.5 makes of it are
 * two, by way of a third.
 */
export function encodeAsFrame(adapter: object, encoder: Pick<Encoder, "encode">): void {
  Reflect.set(adapter, "_encode", (packet: Packet, options: PacketOptions) => {
    const encoded = encoder.encode(packet);
    const [text] = encoded;
    if (encoded.length === 1 && typeof text === "string") {
      options.wsPreEncodedFrame = [textFrame("4" + text)];
    }
    return encoded;
  });
}
