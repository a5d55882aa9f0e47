import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import { Server as EngineServer } from "engine.io";
import { Server, type ServerOptions, type Socket } from "socket.io";
import * as parser from "socket.io-parser";
import type { Logger } from "../common/logger.ts";
import { AnswerTimeout } from "./answers.ts";
import { BoundedDecoder } from "./bounded_decoder.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";
import { type Coalescer, RememberingEncoder, type StreamFilter } from "./coalescing.ts";
import {
  type Connection,
  connectionsOf,
  ConnectionState,
  forgetRequest,
  leave,
  STATE,
  stopAwaitingPoll,
} from "./connection.ts";
import { IdleConnections } from "./idle_connections.ts";
import { httpSide } from "./http_side.ts";
import { burstOf, inboundGuard } from "./inbound.ts";
import { originCheck } from "./origins.ts";
import { outboundGuard } from "./outbound.ts";
import { shutDown } from "./shutdown.ts";
import { Counters, type TransportStats } from "./stats.ts";
import { type StrangerLimits, Strangers } from "./strangers.ts";
import { TcpLimiter, type TcpLimits } from "./tcp_limiter.ts";
import { ConnectionTimeout } from "./connection_timeout.ts";
import { encodeAsFrame } from "./text_frame.ts";
import { untrustedProxyNotice } from "./untrusted_proxy.ts";
import { wsEngine } from "./ws_engine.ts";

export type { Coalescer } from "./coalescing.ts";
export type { TransportStats } from "./stats.ts";
export { limitedAddress } from "./remote_address.ts";

/** A peer that is asked to close gets at most this long to answer. */
const MAX_CLOSE_TIMEOUT_MS = 5_000;

export interface SocketServerOptions {
  /** Where Socket.IO is, taken with and without a last slash: `/ws/socket.io`. */
  path: string;
  /** `both`: polling that upgrades. */
  transports: "websocket" | "polling" | "both";
  /** Origins of pages that may connect beside those of this very host; `"*"`: any. */
  allowedOrigins: readonly string[] | "*";
  maxPayloadBytes: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  /** How long a TCP connection may take for a request's headers, and an Engine.IO connection to sign in to a namespace. */
  handshakeTimeoutMs: number;
  /**
   * How long the body of a polling request may take, however busily its bytes drip. Default: 30,000; a message of
   * 16 MB then needs a line of some 4.5 Mbit/s.
   */
  bodyTimeoutMs?: number;
  /**
   * How long the reader of an answer may take nothing of it. Default: 30,000.
   */
  answerTimeoutMs?: number;
  /** What all answers may hold that wait for their readers. Default: 256 MiB. */
  maxUnreadBytes?: number;
  /** What holds until `welcome` is called for a socket. Default: what holds for all. */
  strangers?: StrangerLimits;
  /** TCP connections of any kind. Default: without limit. */
  tcp?: TcpLimits;
  maxConnections: number;
  /** Of one IPv4 address, or one IPv6 network of 64 bits. */
  maxConnectionsPerAddress: number;
  /** How many proxies before this server append to `X-Forwarded-For`. Default: 0, the header is ignored. */
  trustedProxies?: number;
  /** A client that sends more (with a burst of two seconds' worth) is cut. Default: 1,000. */
  maxPacketsPerSecond?: number;
  /** What one connection may send; two seconds' worth at once. Default: without end. */
  maxBytesPerSecond?: number;
  /** What may wait for a socket, beside one packet under way; more, and the connection is cut. */
  maxSendBufferBytes: number;
  /** How streams merge for a socket that is behind. Default: not at all. */
  coalesce?: Coalescer;
  /**
   * How long a client that lost its connection may come back to its session, where the adapter keeps
   * what it missed. Default: not at all.
   */
  recoverWithinMs?: number;
  /** A Socket.IO adapter. Default: in memory. */
  adapter?: ServerOptions["adapter"];
  logger: Logger;
}

export interface ListenOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** Whether others may listen on the port, too. Default: false. */
  reusePort?: boolean;
  /** Answers every HTTP request that isn't Socket.IO's. */
  onRequest: (req: IncomingMessage, res: ServerResponse) => void;
}

/** The one HTTP server, and the Socket.IO server on it. */
export interface SocketServer {
  readonly io: Server;
  /** How many TCP connections have been accepted. */
  readonly accepted: number;
  /** Opens the port and says where it listens. */
  listen(options: ListenOptions): Promise<{ host: string; port: number }>;
  /** New sockets get 503 from here on; those there are go on, and so does HTTP. */
  stopAccepting(): void;
  /**
   * Closes the port and all sockets, waits for what is under way, and destroys what remains after
   * `timeoutMs`. A client takes it for a lost connection and comes back by itself, to whoever is
   * there then: of a `DISCONNECT` it would take that it is unwanted, and stay away.
   */
  close(options: { timeoutMs: number }): Promise<void>;
  /**
   * From here on the socket is sent only those packets of streams that `wants` takes; what belongs to
   * no stream it always gets. `undefined`: all of them again.
   */
  limitStreams(socket: Pick<Socket, "conn">, wants: StreamFilter | undefined): void;
  /** The socket's user is known: it is no stranger from here on. `false`: there is no place for it. */
  welcome(socket: Pick<Socket, "conn">): boolean;
  /**
   * Ends up to `most` sockets that nothing has gone through since the last call, in a way that
   * clients come back from by themselves; returns how many. The first call ends none.
   */
  handOver(most: number): number;
  stats(): TransportStats;
}

/**
 * Makes the server that carries Socket.IO (Engine.IO v4, Socket.IO v5) and every other HTTP request on one port.
 *
 * @throws {TypeError} when an allowed origin isn't one
 */
export function createSocketServer(options: SocketServerOptions): SocketServer {
  const { logger, trustedProxies = 0, maxPacketsPerSecond = 1_000 } = options;
  const { bodyTimeoutMs = 30_000, answerTimeoutMs = 30_000 } = options;
  const closeTimeoutMs = Math.min(MAX_CLOSE_TIMEOUT_MS, options.handshakeTimeoutMs);
  const counters = new Counters();
  const limiter = new ConnectionLimiter({
    maxConnections: options.maxConnections,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress,
    maxStrangers: options.strangers?.maxConnections,
    trustedProxies,
    isOriginAllowed: originCheck(options.allowedOrigins),
  });
  const engine = new EngineServer({
    transports: options.transports === "both" ? ["polling", "websocket"] : [options.transports],
    wsEngine: wsEngine(closeTimeoutMs),
    maxHttpBufferSize: options.maxPayloadBytes,
    pingInterval: options.pingIntervalMs,
    pingTimeout: options.pingTimeoutMs,
    upgradeTimeout: options.handshakeTimeoutMs,
    perMessageDeflate: false,
    httpCompression: false,
  });

  const io = new Server({
    connectTimeout: options.handshakeTimeoutMs,
    serveClient: false,
    parser: { ...parser, Encoder: RememberingEncoder, Decoder: BoundedDecoder },
    ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
    // The middlewares look at the token again.
    ...(options.recoverWithinMs !== undefined && {
      connectionStateRecovery: {
        maxDisconnectionDuration: options.recoverWithinMs,
        skipMiddlewares: false,
      },
    }),
  });
  // It is the one that the parser above names; Socket.IO's type knows its own only.
  const encoder = io.encoder as unknown as RememberingEncoder;
  encodeAsFrame(io.of("/").adapter, encoder);
  const { coalesce } = options;
  if (coalesce !== undefined) encoder.use(coalesce);

  const guardOutbound = outboundGuard({
    maxSendBufferBytes: options.maxSendBufferBytes,
    counters,
    logger,
    coalescing: coalesce && { coalescer: coalesce, encoder },
  });
  const guardInbound = inboundGuard({
    ...{ maxPacketsPerSecond, counters, logger },
    maxPayloadBytes: options.maxPayloadBytes,
    ...(options.maxBytesPerSecond && { maxBytesPerSecond: options.maxBytesPerSecond }),
  });
  const idle = new IdleConnections({ connections: connectionsOf(engine), counters });
  const burst = burstOf(maxPacketsPerSecond);
  const strangers = options.strangers && new Strangers({
    ...options.strangers,
    limiter,
    knownMaxPayloadBytes: options.maxPayloadBytes,
  });

  function onEngineClose(this: Connection, _reason: string, description?: unknown): void {
    const state = this[STATE];
    state.held = undefined;
    state.lease?.release();
    stopAwaitingPoll(this);
    const { message } = (description ?? {}) as { message?: string };
    if (!message?.includes("Max payload size exceeded")) return;
    counters.oversized++;
    logger.info("oversized message refused", { socket: this.id, address: state.lease?.address });
  }

  engine.on("connection", (connection: Connection) => {
    const lease = limiter.leaseOf(connection.request);
    lease?.keep();
    connection[STATE] = new ConnectionState(lease, burst, performance.now());
    guardOutbound(connection);
    guardInbound(connection);
    connection.once("close", onEngineClose);
    strangers?.add(connection);
  });
  io.bind(engine);
  io.use((socket, next) => {
    forgetRequest(socket);
    next();
  });

  const destroy = (socket: NetSocket) => void socket.destroy();
  const headerTimeout = new ConnectionTimeout(options.handshakeTimeoutMs, destroy);
  const bodyTimeout = new ConnectionTimeout(bodyTimeoutMs, destroy);
  const answerTimeout = new AnswerTimeout({
    timeoutMs: answerTimeoutMs,
    maxHeldBytes: options.maxUnreadBytes,
  });
  const tcp = new TcpLimiter({
    ...options.tcp ?? { maxConnections: Infinity, maxConnectionsPerAddress: Infinity },
    endSilent: () => headerTimeout.endOldest(),
  });
  const http = createServer({ noDelay: true });
  let closed: Promise<void> | undefined;
  let portClosed: Promise<void> | undefined;

  function closePort(): Promise<void> {
    limiter.stopping = true;
    return portClosed ??= new Promise((resolve) =>
      http.listening ? http.close(() => resolve()) : resolve()
    );
  }

  const closing = {
    closePort,
    closeSockets() {
      for (const connection of Object.values(connectionsOf(engine))) leave(connection);
      headerTimeout.close();
      bodyTimeout.close();
      strangers?.close();
    },
    remaining: () => limiter.taken + tcp.open.size,
    closeServices: () => io.close(),
    destroyRemaining() {
      for (const connection of Object.values(connectionsOf(engine))) stopAwaitingPoll(connection);
      for (const socket of tcp.open) socket.destroy();
      answerTimeout.close();
    },
  };

  let accepted = 0;
  return {
    io,
    get accepted() {
      return accepted;
    },
    stopAccepting: () => void (limiter.stopping = true),
    listen({ host, port, reusePort = false, onRequest }) {
      const side = httpSide({
        path: options.path.replace(/\/$/, ""),
        anyOrigin: options.allowedOrigins === "*" || options.allowedOrigins.includes("*"),
        ...{ engine, limiter, headerTimeout, bodyTimeout, answerTimeout, onRequest },
        onAny: untrustedProxyNotice(trustedProxies, logger),
      });
      http.on("connection", (socket: NetSocket) => {
        accepted++;
        if (tcp.admit(socket)) side.onConnection(socket);
      });
      http.on("request", side.onRequest);
      http.on("upgrade", side.onUpgrade);
      return new Promise((resolve, reject) => {
        http.once("error", reject);
        http.listen({ port, host, reusePort, backlog: options.tcp?.backlog }, () => {
          http.off("error", reject);
          const at = http.address() as AddressInfo;
          resolve({ host: at.address, port: at.port });
        });
      });
    },
    close: ({ timeoutMs }) => closed ??= shutDown(closing, timeoutMs),
    limitStreams({ conn }, wants) {
      // Every connection of the engine was given its state when it came.
      (conn as unknown as Connection)[STATE].wants = wants;
    },
    welcome: ({ conn }) => strangers?.welcome(conn as unknown as Connection) ?? true,
    handOver: (most) => idle.handOver(most),
    stats: () => ({
      sockets: limiter.taken,
      strangers: limiter.strangers,
      tcpConnections: tcp.open.size,
      ...counters,
      strangersCut: limiter.evicted + (strangers?.expired ?? 0),
      tcpRefused: tcp.refused,
      answersUnread: answerTimeout.expired,
      requestTimeouts: headerTimeout.expired + bodyTimeout.expired,
      refusals: { ...limiter.refusals },
    }),
  };
}
