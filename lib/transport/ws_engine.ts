import { Buffer } from "node:buffer";
import { type ServerOptions, WebSocketServer } from "ws";
import type { Frame } from "./packet.ts";
import { textFrame } from "./text_frame.ts";

/** The engine's default WebSocket, which waits `closeTimeoutMs` for a peer's close frame, and not 30 seconds. */
export function wsEngine(
  closeTimeoutMs: number,
): new (options: ServerOptions) => WebSocketServer {
  return class extends WebSocketServer {
    constructor(options: ServerOptions) {
      const withTimeout: ServerOptions & { closeTimeout: number } = {
        ...options,
        closeTimeout: closeTimeoutMs,
      };
      super(withTimeout);
    }
  };
}

/** A frame in one piece: half the writes of a header and a payload. */
export function wsFrame(text: string, encoded: Frame | undefined): Frame {
  return encoded === undefined ? [textFrame("4" + text)] : [Buffer.concat(encoded as Uint8Array[])];
}
