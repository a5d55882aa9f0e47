import { type ServerOptions, WebSocketServer } from "ws";

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
