import type {
  AnswerOf,
  ClientEventName,
  PayloadOf,
  ServerEventName,
  ServerEvents,
  StreamChannel,
} from "../protocol/wire_events.ts";
import type { Api } from "./api.ts";
import type { Comeback, OnlineListener } from "./comeback.ts";
import type { ClientErrorCode } from "./errors.ts";
import type { Token } from "./token_source.ts";

/**
 * What a connection light shows. `online`: joined, events flow. `signed_out`: the server does not
 * take the token any more; a new one (`useToken`) goes on.
 */
export type ConnectionState = "connecting" | "online" | "offline" | "signed_out" | "closed";

/** A new object at each change. */
export interface ConnectionStatus {
  /** What a connection light shows. */
  readonly state: ConnectionState;
  /** Since when there has been a session, or has been none, in milliseconds since the epoch. */
  readonly since: number;
  /**
   * Why, where there is a reason. Of `signed_out`: `token_expired`; `unauthenticated`, the token does
   * not count, or not any more; `forbidden`, the account waits for an admin.
   */
  readonly code?: ClientErrorCode;
  /** The same in words for a person. */
  readonly reason?: string;
}

/** Who is signed in, as the server says it. */
export interface ConnectedUser {
  /** The user's id. */
  readonly id: string;
  /** The name that others see. */
  readonly name: string;
}

/** What a call may say beside its payload. */
export interface AskEventOptions {
  /** Default: 20,000. */
  timeoutMs?: number;
  /** Nobody waits for the answer any more; what is thrown then is the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** How to connect; only the token is needed. */
export interface ConnectOptions {
  /** `https://host[:port][/base]`. Default: the root of where the page comes from. */
  url?: string | undefined;
  /** The token, or what gives one: it is asked again when a token does not count any more. */
  token: Token;
  /** `false` where WebSocket is switched off: polling first. Default: true. */
  websocket?: boolean;
  /** Default: 30,000. */
  heartbeatEveryMs?: number;
  /** The first wait before a new attempt. Default: 1,000. */
  reconnectionDelayMs?: number;
  /** The longest wait. Default: 5,000. */
  reconnectionDelayMaxMs?: number;
}

/** What one can say: an event of the wire, or a line on a stream's own channel. */
export type Sayable = ClientEventName | StreamChannel;

/** Hears an event. Where the server waits for an answer, there is an `ack` to give it. */
export type EventListener<E extends ServerEventName> = (
  payload: ServerEvents[E],
  ack?: (answer: unknown) => void,
) => void;

/** A connection that keeps itself: it comes back, signs in again, and says when it has. */
export interface Connection extends Disposable {
  /** The status of now. */
  readonly status: ConnectionStatus;
  /** The status of now, as `useSyncExternalStore` wants it. */
  readonly snapshot: ConnectionStatus;
  /** Hears each change of the status. Returns the end. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Resolves once there is a session; rejects when the token does not count, or on `close`. */
  readonly ready: Promise<void>;
  /** Who one is; `undefined` before the first session. */
  readonly user: ConnectedUser | undefined;
  /** The HTTP API of the same server, with the same token. */
  readonly api: Api;
  /** The socket's id; changes with each reconnect, `undefined` while there is none. */
  readonly sessionId: string | undefined;
  /** Nothing is open any more: after `close`, once the transport has gone, too. */
  readonly isIdle: boolean;
  /** Called at once with the status of now, then at each change. Returns the end. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void;
  /**
   * Each time the session is there, the first included: the moment to ask for what was missed. Who says
   * how that went has a part in what `onComeback` tells.
   */
  onOnline(listener: OnlineListener): () => void;
  /** After a break, once everybody has caught up. Returns the end. */
  onComeback(listener: (comeback: Comeback) => void): () => void;
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
    options?: AskEventOptions,
  ): Promise<AnswerOf<E>>;
  /** Goes on with a renewed token, without a break where there is a connection. */
  useToken(token: string): void;
  /** Ends it for good. */
  close(): void;
}
