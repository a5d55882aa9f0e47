import { io, type Socket } from "socket.io-client";
import { SOCKET_PATH } from "../protocol/events.ts";
import type {
  AnswerOf,
  ClientEventName,
  PayloadOf,
  ServerEventName,
  ServerEvents,
  StreamChannel,
} from "../protocol/wire_events.ts";
import { ClientError, isRefusal } from "./errors.ts";
import { Listeners } from "./listeners.ts";
import { payloadSize } from "./payload_size.ts";

/**
 * What a connection light shows. `online`: joined, events flow. `signed_out`: the server does not
 * take the token any more; a new one (`useToken`) goes on.
 */
export type ConnectionState = "connecting" | "online" | "offline" | "signed_out" | "closed";

export interface ConnectionStatus {
  state: ConnectionState;
  /** Why, in words for a person, where there is a reason. */
  reason?: string;
}

export interface ConnectOptions {
  /** `https://host[:port][/base]`. Default: the root of where the page comes from. */
  url?: string;
  token: string;
  /** `false` where WebSocket is switched off: polling first. Default: true. */
  websocket?: boolean;
  /** The largest message until the server has said its own. Default: 10,000,000 bytes. */
  maxPayloadBytes?: number;
  /** Default: 30,000. */
  heartbeatEveryMs?: number;
  /** The first wait before a new attempt. Default: 1,000. */
  reconnectionDelayMs?: number;
  /** The longest wait. Default: 5,000. */
  reconnectionDelayMaxMs?: number;
}

/** How long an answer may take. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Beside the payload: packet type, event name, ack id. */
const ENVELOPE_BYTES = 64;

/** What one can say: an event of the wire, or a line on a stream's own channel. */
export type Sayable = ClientEventName | StreamChannel;

/** Hears an event. Where the server waits for an answer, there is an `ack` to give it. */
export type EventListener<E extends ServerEventName> = (
  payload: ServerEvents[E],
  ack?: (answer: unknown) => void,
) => void;

/** A connection that keeps itself: it comes back, signs in again, and says when it has. */
export interface Connection extends Disposable {
  readonly status: ConnectionStatus;
  /** The socket's id; changes with each reconnect, `undefined` while there is none. */
  readonly sessionId: string | undefined;
  /** Nothing is open any more: after `close`, once the transport has gone, too. */
  readonly isIdle: boolean;
  /** Called at once with the status of now, then at each change. Returns the end. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void;
  /** Each time the session is there, the first included: the moment to ask for what was missed. */
  onOnline(listener: () => void): () => void;
  /** Hears an event of the server. Returns the end. */
  on<E extends ServerEventName>(event: E, listener: EventListener<E>): () => void;
  /**
   * Sends without waiting. `false`: not connected, nothing was sent and nothing is kept.
   *
   * Throws `too_large` for what the server would cut the connection for.
   */
  send<E extends Sayable>(event: E, payload: PayloadOf<E>): boolean;
  /**
   * Sends and waits, 20,000 ms by default. Throws a `ClientError` with the server's code, `offline`,
   * or `timeout`.
   */
  ask<E extends Sayable>(
    event: E,
    payload: PayloadOf<E>,
    options?: { timeoutMs?: number },
  ): Promise<AnswerOf<E>>;
  /** Goes on with a renewed token, without a break where there is a connection. */
  useToken(token: string): void;
  close(): void;
}

/**
 * Connects (docs/protocol.md, sections 1 and 2). The reconnection delays are those of Open WebUI's client;
 * `user-join` and the heartbeat are sent by themselves.
 *
 * @example
 * ```ts
 * import { connect } from "webui-realtime/client";
 *
 * using connection = connect({ url: "http://localhost:8080", token: "…" });
 * connection.onStatus(({ state, reason = "" }) => console.log(state, reason));
 * connection.on("events:note", ({ title }) => console.log("changed:", title));
 * connection.onOnline(async () => {
 *   const { active } = await connection.ask("chat:resume", { chat_id: "a-chat" });
 *   console.log(active ? "it is being answered" : "nothing is being written");
 * });
 * ```
 */
export function connect(options: ConnectOptions): Connection {
  return new SocketConnection(options);
}

class SocketConnection implements Connection {
  readonly #socket: Socket;
  readonly #statuses = new Listeners<ConnectionStatus>();
  readonly #onlines = new Listeners<void>();
  readonly #options: ConnectOptions;
  #token: string;
  #status: ConnectionStatus = { state: "connecting" };
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#token = options.token;
    const { url, websocket = true } = options;
    const { reconnectionDelayMs = 1_000, reconnectionDelayMaxMs = 5_000 } = options;
    const { origin, basePath } = addressOf(url);
    const how = {
      path: basePath + SOCKET_PATH,
      transports: websocket ? ["websocket"] : ["polling", "websocket"],
      reconnection: true,
      reconnectionDelay: reconnectionDelayMs,
      reconnectionDelayMax: reconnectionDelayMaxMs,
      randomizationFactor: 0.5,
      forceNew: true,
      auth: (give: (auth: object) => void) => give({ token: this.#token }),
    };
    this.#socket = origin === undefined ? io(how) : io(origin, how);
    this.#socket.on("connect", () => void this.#join());
    this.#socket.on("disconnect", (reason) => this.#gone(reason));
    this.#socket.on("connect_error", () => this.#become({ state: "offline" }));
    this.#socket.on("error", (error: ServerEvents["error"]) => {
      if (error.event === "session") this.#signedOut(error.message);
    });
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  get sessionId(): string | undefined {
    return this.#socket.id;
  }

  get isIdle(): boolean {
    const { engine } = this.#socket.io;
    return !this.#socket.active && (!engine || engine.readyState === "closed");
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    listener(this.#status);
    return this.#statuses.add(listener);
  }

  onOnline(listener: () => void): () => void {
    return this.#onlines.add(listener);
  }

  on<E extends ServerEventName>(event: E, listener: EventListener<E>): () => void {
    const own = listener as (...heard: unknown[]) => void;
    this.#socket.on(event as string, own);
    return () => void this.#socket.off(event as string, own);
  }

  send<E extends Sayable>(event: E, payload: PayloadOf<E>): boolean {
    this.#checkSize(payload);
    if (!this.#socket.connected) return false;
    this.#socket.emit(event, payload);
    return true;
  }

  async ask<E extends Sayable>(
    event: E,
    payload: PayloadOf<E>,
    { timeoutMs = ANSWER_TIMEOUT_MS } = {},
  ): Promise<AnswerOf<E>> {
    this.#checkSize(payload);
    const socket = this.#socket;
    if (!socket.connected) throw new ClientError("offline", "There is no connection.");
    let forget = () => {};
    const answer = await new Promise<unknown>((resolve, reject) => {
      const onGone = () => reject(new ClientError("offline", "The connection was lost."));
      const timer = setTimeout(
        () => reject(new ClientError("timeout", `${event}: no answer in ${timeoutMs} ms`)),
        timeoutMs,
      );
      forget = () => {
        clearTimeout(timer);
        socket.off("disconnect", onGone);
      };
      socket.once("disconnect", onGone);
      socket.emit(event, payload, resolve);
    }).finally(() => forget());
    if (isRefusal(answer)) throw new ClientError(answer.error.code, answer.error.message);
    return answer as AnswerOf<E>;
  }

  useToken(token: string): void {
    this.#token = token;
    if (this.#socket.connected) void this.#join();
    else if (this.#status.state !== "closed") this.#connectAgain();
  }

  close(): void {
    this.#become({ state: "closed" });
    this.#rest();
    this.#socket.disconnect();
    this.#socket.off();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #join(): Promise<void> {
    const token = this.#token;
    try {
      await this.ask("user-join", { auth: { token } });
    } catch (thrown) {
      // A newer token, or a newer socket, has its own attempt.
      if (token !== this.#token || !this.#socket.connected) return;
      if (!(thrown instanceof ClientError)) throw thrown;
      if (thrown.code === "unauthenticated" || thrown.code === "forbidden") {
        return this.#signedOut(thrown.message);
      }
      this.#socket.disconnect();
      return this.#retryLater(thrown.message);
    }
    if (this.#status.state === "closed") return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(
      () => this.send("heartbeat", {}),
      this.#options.heartbeatEveryMs ?? 30_000,
    );
    this.#become({ state: "online" });
    this.#onlines.tell();
  }

  #gone(reason: string): void {
    clearInterval(this.#heartbeat);
    if (this.#status.state === "closed" || this.#status.state === "signed_out") return;
    // Socket.IO comes back by itself unless the server closed this one socket.
    if (reason === "io server disconnect") this.#retryLater();
    else if (reason !== "io client disconnect") this.#become({ state: "offline" });
  }

  #retryLater(reason?: string): void {
    this.#become({ state: "offline", ...(reason !== undefined && { reason }) });
    clearTimeout(this.#retry);
    const { reconnectionDelayMs = 1_000 } = this.#options;
    const delayMs = reconnectionDelayMs * (0.5 + Math.random());
    this.#retry = setTimeout(() => this.#connectAgain(), delayMs);
  }

  #connectAgain(): void {
    clearTimeout(this.#retry);
    this.#become({ state: "connecting" });
    this.#socket.connect();
  }

  #signedOut(reason: string): void {
    this.#rest();
    this.#become({ state: "signed_out", reason });
    this.#socket.disconnect();
  }

  #rest(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#retry);
  }

  #become(status: ConnectionStatus): void {
    const { state } = this.#status;
    if (state === "closed" || (state === status.state && status.reason === undefined)) return;
    this.#status = status;
    this.#statuses.tell(status);
  }

  /** A message over the limit costs the connection, and sent again at each reconnect, all of them. */
  #checkSize(payload: unknown): void {
    const size = payloadSize(payload) + ENVELOPE_BYTES;
    const limit = this.#limit();
    if (size > limit) {
      throw new ClientError("too_large", `This is ${size} bytes; at most ${limit} can be sent.`);
    }
  }

  /** What the server announced in the handshake; Socket.IO's client keeps it to itself. */
  #limit(): number {
    const announced: unknown = Reflect.get(this.#socket.io.engine ?? {}, "_maxPayload");
    if (typeof announced === "number" && announced > 0) return announced;
    return this.#options.maxPayloadBytes ?? 10_000_000;
  }
}

/** Socket.IO takes the path of an address for a namespace, where it is the server's base path. */
function addressOf(url: string | undefined): { origin?: string; basePath: string } {
  if (url === undefined) return { basePath: "" };
  const { protocol, host, pathname } = new URL(url);
  return { origin: `${protocol}//${host}`, basePath: pathname.replace(/\/+$/, "") };
}
