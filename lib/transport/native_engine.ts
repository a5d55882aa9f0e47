import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket as NetSocket } from "node:net";
import { Buffer } from "node:buffer";
import type { Frame } from "./packet.ts";
import { destroyWebSocket } from "./native_internals.ts";
import { refuseUpgrade } from "./refuse.ts";

/** Above this the peer is reading slower than we write, and the next packets wait in the engine's buffer. */
const SEND_BUFFER_BYTES = 64 * 1024;
/** Deno's WebSocket has no event for "drained": those that aren't are looked at this often, by one timer. */
const DRAIN_CHECK_MS = 20;

type SendCallback = (error?: Error) => void;

/** The sockets of one server, and what they share. */
export interface NativeHooks {
  maxPayloadBytes: number;
  closeTimeoutMs: number;
  /** The TCP connection leaves node:http, and lives on in Deno's WebSocket. */
  onHandover(req: IncomingMessage): void;
  /** It has ended. */
  onEnd(req: IncomingMessage): void;
}

/** What engine.io uses of `ws`'s server, on Deno's own WebSocket. */
export interface NativeEngine {
  wsEngine: new (options: unknown) => NativeWebSocketServer;
  /** Ends every socket without asking its peer. */
  terminateAll(): void;
}

interface NativeWebSocketServer {
  handleUpgrade(
    req: IncomingMessage,
    socket: NetSocket,
    head: Buffer,
    onSocket: (socket: NativeWebSocket) => void,
  ): void;
  close(): void;
}

export function nativeEngine(hooks: NativeHooks): NativeEngine {
  const open = new Set<NativeWebSocket>();
  const slow = new SlowSockets();
  class Server implements NativeWebSocketServer {
    handleUpgrade(
      req: IncomingMessage,
      socket: NetSocket,
      head: Buffer,
      onSocket: (socket: NativeWebSocket) => void,
    ): void {
      const native = upgrade(req, socket, head);
      if (native === undefined) {
        refuseUpgrade(socket, { status: 400, code: 3, message: "Bad request" });
        return;
      }
      hooks.onHandover(req);
      const websocket = new NativeWebSocket(native, hooks, slow, () => {
        open.delete(websocket);
        hooks.onEnd(req);
      });
      open.add(websocket);
      native.onopen = () => onSocket(websocket);
    }
    close(): void {}
  }
  return {
    wsEngine: Server,
    terminateAll() {
      for (const websocket of open) websocket.terminate();
    },
  };
}

/** Hands a TCP connection over to Deno; undefined when the request isn't a proper handshake (RFC 6455, 4.2.1). */
function upgrade(req: IncomingMessage, socket: NetSocket, head: Buffer): WebSocket | undefined {
  const { "sec-websocket-key": key, "sec-websocket-version": version } = req.headers;
  if (version !== "13" || key === undefined || !/^[+/0-9A-Za-z]{22}==$/.test(key)) return undefined;
  const headers = new Headers({
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": key,
    "sec-websocket-version": version,
  });
  try {
    const request = new Request("http://localhost/", { headers });
    const options = { socket, head, idleTimeout: 0 } as Deno.UpgradeWebSocketOptions;
    return Deno.upgradeWebSocket(request, options).socket;
  } catch {
    return undefined;
  }
}

/** The sockets whose send callbacks wait for their buffers to empty. */
class SlowSockets {
  readonly #waiting = new Map<NativeWebSocket, SendCallback>();
  #timer: ReturnType<typeof setInterval> | undefined;

  wait(socket: NativeWebSocket, callback: SendCallback): void {
    this.#waiting.set(socket, callback);
    this.#timer ??= setInterval(() => this.#check(), DRAIN_CHECK_MS);
  }

  forget(socket: NativeWebSocket): void {
    this.#waiting.delete(socket);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    for (const [socket, callback] of this.#waiting) {
      if (socket.bufferedAmount > SEND_BUFFER_BYTES) continue;
      this.forget(socket);
      callback();
    }
  }
}

/** What engine.io uses of a `ws` socket. */
class NativeWebSocket extends EventEmitter {
  /** The engine sends prepared frames through this; a frame here is the text, flat and shared by all receivers. */
  readonly _sender: { sendFrame: (frame: Frame, callback: SendCallback) => void };
  readonly #native: WebSocket;
  readonly #hooks: NativeHooks;
  readonly #slow: SlowSockets;
  readonly #onEnd: () => void;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #isEnded = false;
  /**
   * What waits for the peer to read; undefined while it keeps up. Held here and not in Deno, because what Deno has taken
   * it keeps until the peer goes, even when the socket is ended.
   */
  #queue: [string | Uint8Array<ArrayBuffer>, SendCallback][] | undefined;

  constructor(native: WebSocket, hooks: NativeHooks, slow: SlowSockets, onEnd: () => void) {
    super();
    this.#native = native;
    this.#hooks = hooks;
    this.#slow = slow;
    this.#onEnd = onEnd;
    this._sender = {
      sendFrame: (frame, callback) => this.send(frame[0] as string, callback),
    };
    native.binaryType = "arraybuffer";
    native.onmessage = ({ data }) => this.#receive(data);
    native.onerror = (event) => {
      const message = event instanceof ErrorEvent ? event.message : "websocket error";
      if (!this.#isEnded && this.listenerCount("error") > 0) this.emit("error", new Error(message));
      this.terminate();
    };
    native.onclose = () => this.#end();
  }

  get bufferedAmount(): number {
    return this.#native.bufferedAmount;
  }

  send(data: string | Uint8Array<ArrayBuffer>, callback: SendCallback): void {
    if (this.#isEnded || this.#native.readyState !== WebSocket.OPEN) return;
    if (this.#queue !== undefined) {
      this.#queue.push([data, callback]);
      return;
    }
    this.#native.send(data);
    if (this.#native.bufferedAmount <= SEND_BUFFER_BYTES) return callback();
    this.#queue = [];
    this.#slow.wait(this, () => this.#sendQueue(callback));
  }

  #sendQueue(callback: SendCallback): void {
    const queue = this.#queue ?? [];
    this.#queue = undefined;
    callback();
    for (const [data, onSent] of queue) this.send(data, onSent);
  }

  /** Asks the peer to close, and ends the connection if it doesn't answer. */
  close(): void {
    this.#closeWith();
  }

  #closeWith(code?: number): void {
    if (this.#isEnded || this.#closeTimer !== undefined) return;
    this.#closeTimer = setTimeout(() => this.terminate(), this.#hooks.closeTimeoutMs);
    // The goodbye goes last: what waits is handed over before it.
    const queue = this.#queue ?? [];
    this.#queue = undefined;
    if (this.#native.readyState === WebSocket.OPEN) {
      for (const [data] of queue) this.#native.send(data);
    }
    this.#native.close(code);
  }

  /** Ends the connection now, and frees what it holds. */
  terminate(): void {
    if (this.#isEnded) return;
    this.#queue = undefined;
    this.#slow.forget(this);
    destroyWebSocket(this.#native);
    queueMicrotask(() => this.#end());
  }

  /** Deno gives a message only when it is complete: the limit comes late, but nothing passes it. */
  #receive(data: string | ArrayBuffer): void {
    if (this.#isEnded || this.#closeTimer !== undefined) return;
    if (isLarger(data, this.#hooks.maxPayloadBytes)) {
      this.#closeWith(1009);
      this.emit("error", new RangeError("Max payload size exceeded"));
      return;
    }
    if (typeof data === "string") this.emit("message", data, false);
    else this.emit("message", Buffer.from(data), true);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#closeTimer);
    this.#slow.forget(this);
    this.#onEnd();
    this.emit("close");
  }
}

function isLarger(data: string | ArrayBuffer, maxBytes: number): boolean {
  if (typeof data !== "string") return data.byteLength > maxBytes;
  // A character takes one to three bytes: only those in between have to be counted.
  if (data.length > maxBytes) return true;
  return data.length * 3 > maxBytes && Buffer.byteLength(data) > maxBytes;
}

/** The text of a packet, made flat once, so that each receiver's send need not. */
export function nativeFrame(text: string): Frame {
  return ["4" + text];
}
