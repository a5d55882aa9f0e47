import { io, type Socket } from "socket.io-client";
import { SOCKET_PATH } from "../protocol/events.ts";
import type {
  AnswerOf,
  PayloadOf,
  ServerEventName,
  ServerEvents,
} from "../protocol/wire_events.ts";
import { abortable } from "./abortable.ts";
import { type Api, createApi } from "./api.ts";
import { type Comeback, Comebacks, type OnlineListener } from "./comeback.ts";
import type {
  AskEventOptions,
  ConnectedUser,
  Connection,
  ConnectionStatus,
  ConnectOptions,
  EventListener,
  Sayable,
} from "./connection.ts";
import {
  ClientError,
  type ClientErrorCode,
  isClientError,
  isRefusal,
  messageOf,
} from "./errors.ts";
import { attempt, Listeners } from "./listeners.ts";
import { payloadSize } from "./payload_size.ts";
import { TokenSource } from "./token_source.ts";

const OFFLINE: Omit<ConnectionStatus, "since"> = { state: "offline", code: "offline" };
/** How long an answer may take. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Beside the payload: packet type, event name, ack id. */
const ENVELOPE_BYTES = 64;
/** What a WebSocket is when nothing of it is left. */
const CLOSED = 3;
/** What may be sent before the server has said how much it takes. */
const MAX_BYTES = 10_000_000;

/**
 * Connects (docs/protocol.md, sections 1 and 2). The reconnection delays are those of Open WebUI's client;
 * `user-join` and the heartbeat are sent by themselves.
 *
 * @example
 * ```ts
 * import { connect } from "webui-realtime-client";
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
  readonly #comebacks = new Comebacks();
  readonly #options: ConnectOptions;
  readonly #tokens: TokenSource;
  readonly api: Api;
  #user: ConnectedUser | undefined;
  #status: ConnectionStatus = { state: "connecting", since: Date.now() };
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isRenewing = false;
  /** The WebSocket that was closed last. */
  #ending: Pick<WebSocket, "readyState"> | undefined;

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#tokens = new TokenSource(options.token);
    const { url, websocket = true } = options;
    this.api = createApi({
      url,
      token: () => this.#tokens.get(),
      renew: (refused) => this.#tokens.renew(refused),
      onSignedOut: () => this.#signedOut("unauthenticated", "The token does not count any more."),
    });
    const { origin, basePath } = addressOf(url);
    const how = {
      path: basePath + SOCKET_PATH,
      transports: websocket ? ["websocket"] : ["polling", "websocket"],
      autoConnect: false,
      // Where nothing is given, Socket.IO's defaults are those that are promised.
      reconnectionDelay: options.reconnectionDelayMs,
      reconnectionDelayMax: options.reconnectionDelayMaxMs,
      forceNew: true,
      auth: (give: (auth: object) => void) => {
        this.#tokens.get().then((token) => give({ token }), (thrown) => this.#mute(thrown));
      },
    };
    this.#socket = origin === undefined ? io(how) : io(origin, how);
    // One that is closed at once, as in the trial of React's StrictMode, has never been opened.
    queueMicrotask(() => this.#status.state === "closed" || this.#socket.connect());
    this.#socket.on("connect", () => void this.#join());
    this.#socket.on("disconnect", (reason) => this.#gone(reason));
    this.#socket.on("connect_error", () => this.#become(OFFLINE));
    this.#socket.on("error", (error: ServerEvents["error"]) => {
      if (error.event === "session" || error.event === "user-join") {
        void this.#refused(error.code, error.message);
      }
    });
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  get snapshot(): ConnectionStatus {
    return this.#status;
  }

  readonly subscribe = (listener: () => void): () => void => this.#statuses.add(listener);

  get ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const { state, code = "unavailable", reason } = this.#status;
        if (state === "online") resolve();
        else if (state !== "signed_out" && state !== "closed") return;
        else reject(new ClientError(code, reason ?? "The connection is closed."));
        off();
      };
      const off = this.#statuses.add(look);
      look();
    });
  }

  get user(): ConnectedUser | undefined {
    return this.#user;
  }

  get sessionId(): string | undefined {
    return this.#socket.id;
  }

  get isIdle(): boolean {
    const { engine } = this.#socket.io;
    const isClosed = !engine || engine.readyState === "closed";
    return !this.#socket.active && isClosed &&
      (this.#ending === undefined || this.#ending.readyState === CLOSED);
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    attempt(() => listener(this.#status));
    return this.#statuses.add(listener);
  }

  onOnline(listener: OnlineListener): () => void {
    return this.#comebacks.add(listener);
  }

  onComeback(listener: (comeback: Comeback) => void): () => void {
    return this.#comebacks.onComeback(listener);
  }

  on<E extends ServerEventName>(event: E, listener: EventListener<E>): () => void {
    const own = (payload: ServerEvents[E], ack?: (answer: unknown) => void) =>
      attempt(() => listener(payload, ack));
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
    { timeoutMs = ANSWER_TIMEOUT_MS, signal }: AskEventOptions = {},
  ): Promise<AnswerOf<E>> {
    this.#checkSize(payload);
    signal?.throwIfAborted();
    const socket = this.#socket;
    const failure = (code: ClientErrorCode, message: string) =>
      new ClientError(code, message, { event });
    if (!socket.connected) throw failure("offline", "There is no connection.");
    // Socket.IO ends the wait with its time, and with the connection.
    const asked = socket.timeout(timeoutMs).emitWithAck(event, payload).catch(() => {
      throw socket.connected
        ? failure("timeout", `${event}: no answer in ${timeoutMs} ms`)
        : failure("offline", "The connection was lost.");
    });
    const answer: unknown = await abortable(asked, signal);
    if (isRefusal(answer)) throw failure(answer.error.code, answer.error.message);
    return answer as AnswerOf<E>;
  }

  useToken(token: string): void {
    this.#tokens.use(token);
    if (this.#socket.connected) void this.#join();
    else if (this.#status.state !== "closed") this.#connectAgain();
  }

  close(): void {
    this.#become({ state: "closed" });
    this.#rest();
    this.#hangUp();
    this.#socket.off();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #join(): Promise<void> {
    const token = this.#tokens.current ?? "";
    try {
      const user = await this.ask("user-join", { auth: { token } });
      // An Open WebUI says no with nothing; ours beside it has said why before, by an `error`.
      if (!user && this.#isRenewing) return;
      if (!user) throw new ClientError("unauthenticated", "The token does not count.");
      this.#user = user;
    } catch (thrown) {
      // A newer token, or a newer socket, has its own attempt.
      if (token !== this.#tokens.current || !this.#socket.connected) return;
      if (isClientError(thrown, "unauthenticated", "token_expired", "forbidden")) {
        return await this.#refused(thrown.code, thrown.message);
      }
      if (!isClientError(thrown)) throw thrown;
      this.#hangUp();
      return this.#retryLater(thrown.code, thrown.message);
    }
    if (this.#status.state === "closed") return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(
      () => this.send("heartbeat", {}),
      this.#options.heartbeatEveryMs ?? 30_000,
    );
    this.#become({ state: "online" });
    this.#comebacks.back();
  }

  #gone(reason: string): void {
    clearInterval(this.#heartbeat);
    const { state } = this.#status;
    if (state === "closed" || state === "signed_out" || this.#isRenewing) return;
    // Socket.IO comes back by itself unless the server closed this one socket.
    if (reason === "io server disconnect") this.#retryLater();
    else if (reason !== "io client disconnect") this.#become(OFFLINE);
  }

  /** Who should give the token could not: without one there is nothing to say. */
  #mute(thrown: unknown): void {
    const code = isClientError(thrown) ? thrown.code : "unavailable";
    this.#hangUp();
    this.#retryLater(code, messageOf(thrown));
  }

  /** The token does not count: another one goes on, if there is one. */
  async #refused(code: ClientErrorCode, reason: string): Promise<void> {
    const refused = this.#tokens.current ?? "";
    this.#rest();
    this.#isRenewing = true;
    try {
      const token = await this.#tokens.renew(refused);
      if (token === undefined) return this.#signedOut(code, reason);
      if (this.#status.state === "closed") return;
      if (this.#socket.connected) void this.#join();
      else this.#connectAgain();
    } catch (thrown) {
      this.#mute(thrown);
    } finally {
      this.#isRenewing = false;
    }
  }

  #retryLater(code: ClientErrorCode = "offline", reason?: string): void {
    this.#become({ state: "offline", code, ...(reason !== undefined && { reason }) });
    if (this.#status.state === "closed") return;
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

  #signedOut(code: ClientErrorCode, reason: string): void {
    this.#rest();
    this.#become({ state: "signed_out", code, reason });
    this.#hangUp();
  }

  /** The engine forgets its WebSocket as soon as that begins to close. */
  #hangUp(): void {
    const transport: object = this.#socket.io.engine?.transport ?? {};
    this.#ending = Reflect.get(transport, "ws") ?? this.#ending;
    this.#socket.disconnect();
  }

  #rest(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#retry);
  }

  #become(status: Omit<ConnectionStatus, "since">): void {
    const { state, code, since } = this.#status;
    if (state === "closed") return;
    if (state === status.state && code === status.code && status.reason === undefined) return;
    const isSame = (state === "online") === (status.state === "online");
    this.#status = { ...status, since: isSame ? since : Date.now() };
    if (state === "online" && !isSame) this.#comebacks.gone();
    this.#statuses.tell(this.#status);
  }

  /** A message over the limit costs the connection, and sent again at each reconnect, all of them. */
  #checkSize(payload: unknown): void {
    const size = payloadSize(payload) + ENVELOPE_BYTES;
    // What the server announced in the handshake, -1 before it; Socket.IO's client keeps it to itself.
    const announced: number = Reflect.get(this.#socket.io.engine ?? {}, "_maxPayload") ?? -1;
    const limit = announced > 0 ? announced : MAX_BYTES;
    if (size > limit) {
      throw new ClientError("too_large", `This is ${size} bytes; at most ${limit} can be sent.`);
    }
  }
}

/** Socket.IO takes the path of an address for a namespace, where it is the server's base path. */
function addressOf(url: string | undefined): { origin?: string; basePath: string } {
  if (url === undefined) return { basePath: "" };
  const { protocol, host, pathname } = new URL(url);
  return { origin: `${protocol}//${host}`, basePath: pathname.replace(/\/+$/, "") };
}
