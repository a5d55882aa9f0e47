import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket as NetSocket } from "node:net";
import { Buffer } from "node:buffer";
import type { Server as EngineServer } from "engine.io";
import { type ConnectionLimiter, Lease } from "./connection_limiter.ts";
import { applyCors } from "./cors.ts";
import { connectionsOf, STATE } from "./connection.ts";
import { refuseRequest, refuseUpgrade } from "./refuse.ts";
import type { AnswerTimeout } from "./answers.ts";
import type { ConnectionTimeout } from "./connection_timeout.ts";

type Query = Record<string, string | undefined>;
type EngineRequest = IncomingMessage & { _query?: Query };

/** The engine itself would say so only after the upgrade. */
const UNSUPPORTED_PROTOCOL = { status: 400, code: 5, message: "Unsupported protocol version" };

export interface HttpSideOptions {
  /** Without the last slash. */
  path: string;
  engine: EngineServer;
  limiter: ConnectionLimiter;
  /** Connections that owe a request's headers. */
  headerTimeout: ConnectionTimeout<NetSocket>;
  /** Connections that owe the rest of a polling request's body: the engine itself would wait for ever. */
  bodyTimeout: ConnectionTimeout<NetSocket>;
  answerTimeout: AnswerTimeout;
  anyOrigin: boolean;
  onRequest: (req: IncomingMessage, res: ServerResponse) => void;
  /** Looks at each request before anything else does. */
  onAny: (req: IncomingMessage) => void;
}

/** What node:http calls: one function for each of its events. */
export interface HttpSide {
  onConnection(socket: NetSocket): void;
  onRequest(req: IncomingMessage, res: ServerResponse): void;
  onUpgrade(req: IncomingMessage, socket: NetSocket, head: Buffer): void;
}

/** Shares one port between Socket.IO and everything else, and keeps the door of the former. */
export function httpSide(options: HttpSideOptions): HttpSide {
  const { path, engine, limiter, headerTimeout, bodyTimeout, answerTimeout } = options;
  const clients = connectionsOf(engine);

  function isEnginePath(url: string | undefined): boolean {
    if (url === undefined || !url.startsWith(path)) return false;
    const rest = url.slice(path.length);
    return rest === "" || rest === "/" || rest.startsWith("?") || rest.startsWith("/?");
  }

  /** Reads the query once and leaves it where the engine looks for it: both must see the same session id. */
  function queryOf(req: EngineRequest): Query {
    const { searchParams } = new URL(req.url ?? "", "http://localhost");
    return req._query = Object.fromEntries(searchParams);
  }

  function servePolling(req: IncomingMessage, res: ServerResponse): void {
    const refusal = limiter.checkOrigin(req);
    if (refusal !== undefined) return refuseRequest(req, res, refusal);
    if (applyCors(req, res, options.anyOrigin)) return;
    const { sid, EIO } = queryOf(req as EngineRequest);
    if (!sid) {
      if (EIO !== "4") return refuseRequest(req, res, UNSUPPORTED_PROTOCOL);
      if (req.method === "GET") {
        const lease = limiter.enter(req);
        if (!(lease instanceof Lease)) return refuseRequest(req, res, lease);
        lease.onEvict = () => void req.socket.destroy();
        res.once("close", () => lease.releaseRequest());
      }
    } else if (Object.hasOwn(clients, sid)) {
      const state = clients[sid]?.[STATE];
      if (state !== undefined && req.method === "GET") state.pollingSocket = req.socket;
    }
    if (req.method === "POST") awaitBody(req, res);
    engine.handleRequest(req as Parameters<EngineServer["handleRequest"]>[0], res);
  }

  /** The answer is written once the body is whole. */
  function awaitBody({ socket }: IncomingMessage, res: ServerResponse): void {
    bodyTimeout.start(socket);
    res.once("close", () => bodyTimeout.clear(socket));
  }

  return {
    onConnection(socket) {
      headerTimeout.start(socket);
      socket.once("close", () => headerTimeout.clear(socket));
    },

    onRequest(req, res) {
      const { socket } = req;
      options.onAny(req);
      headerTimeout.clear(socket);
      answerTimeout.watch(res, socket);
      res.once("close", () => {
        if (!socket.destroyed) headerTimeout.start(socket);
      });
      if (isEnginePath(req.url)) servePolling(req, res);
      else options.onRequest(req, res);
    },

    onUpgrade(req, socket, head) {
      options.onAny(req);
      headerTimeout.clear(socket);
      socket.on("error", () => socket.destroy());
      if (!isEnginePath(req.url)) {
        return refuseUpgrade(socket, { status: 404, code: 3, message: "No WebSocket here" });
      }
      const refusal = limiter.checkOrigin(req);
      if (refusal !== undefined) return refuseUpgrade(socket, refusal);
      const { sid, EIO } = queryOf(req as EngineRequest);
      if (!sid) {
        if (EIO !== "4") return refuseUpgrade(socket, UNSUPPORTED_PROTOCOL);
        const lease = limiter.enter(req);
        if (!(lease instanceof Lease)) return refuseUpgrade(socket, lease);
        lease.onEvict = () => void socket.destroy();
        socket.once("close", () => lease.releaseRequest());
      }
      const listeners = socket.listenerCount("close");
      // The answer and the engine's first packet, which it sends a microtask later, are one write.
      socket.cork();
      engine.handleUpgrade(req as Parameters<EngineServer["handleUpgrade"]>[0], socket, head);
      queueMicrotask(() => socket.uncork());
      // Its first listener keeps the request, for middlewares that wait for the end: there are none.
      const [listener] = socket.rawListeners("close").slice(listeners);
      if (listener) socket.off("close", listener as () => void);
    },
  };
}
