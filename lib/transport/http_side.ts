import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket as NetSocket } from "node:net";
import { Buffer } from "node:buffer";
import type { Server as EngineServer } from "engine.io";
import { type Admission, Lease } from "./admission.ts";
import { applyCors } from "./cors.ts";
import { type Connection, STATE } from "./connection.ts";
import { refuseRequest, refuseUpgrade } from "./refuse.ts";
import type { WaitingRoom } from "./waiting_room.ts";

export interface HttpSideOptions {
  /** Without the last slash. */
  path: string;
  engine: EngineServer;
  admission: Admission;
  waitingRoom: WaitingRoom;
  anyOrigin: boolean;
  onRequest: (req: IncomingMessage, res: ServerResponse) => void;
}

/** What node:http calls: one function for each of its events. */
export interface HttpSide {
  onConnection(socket: NetSocket): void;
  onRequest(req: IncomingMessage, res: ServerResponse): void;
  onUpgrade(req: IncomingMessage, socket: NetSocket, head: Buffer): void;
}

/** Shares one port between Socket.IO and everything else, and keeps the door of the former. */
export function httpSide(options: HttpSideOptions): HttpSide {
  const { path, engine, admission, waitingRoom } = options;
  const clients = (engine as unknown as { clients: Record<string, Connection> }).clients;

  function isEnginePath(url: string | undefined): boolean {
    if (url === undefined || !url.startsWith(path)) return false;
    const rest = url.slice(path.length);
    return rest === "" || rest === "/" || rest.startsWith("?") || rest.startsWith("/?");
  }

  function sidOf(req: IncomingMessage): string | undefined {
    return new URLSearchParams(req.url?.split("?")[1]).get("sid") || undefined;
  }

  function servePolling(req: IncomingMessage, res: ServerResponse): void {
    const refusal = admission.checkOrigin(req);
    if (refusal !== undefined) return refuseRequest(req, res, refusal);
    if (applyCors(req, res, options.anyOrigin)) return;
    const sid = sidOf(req);
    if (sid === undefined) {
      if (req.method === "GET") {
        const lease = admission.enter(req);
        if (!(lease instanceof Lease)) return refuseRequest(req, res, lease);
        res.once("close", () => lease.releaseRequest());
      }
    } else if (Object.hasOwn(clients, sid)) {
      const state = clients[sid]?.[STATE];
      if (state !== undefined && req.method === "GET") state.pollingSocket = req.socket;
    }
    engine.handleRequest(req as Parameters<EngineServer["handleRequest"]>[0], res);
  }

  return {
    onConnection(socket) {
      waitingRoom.enter(socket);
      socket.once("close", () => waitingRoom.leave(socket));
    },

    onRequest(req, res) {
      const { socket } = req;
      waitingRoom.leave(socket);
      res.once("close", () => {
        if (!socket.destroyed) waitingRoom.enter(socket);
      });
      if (isEnginePath(req.url)) servePolling(req, res);
      else options.onRequest(req, res);
    },

    onUpgrade(req, socket, head) {
      waitingRoom.leave(socket);
      socket.on("error", () => socket.destroy());
      if (!isEnginePath(req.url)) {
        return refuseUpgrade(socket, { status: 404, code: 3, message: "No WebSocket here" });
      }
      const refusal = admission.checkOrigin(req);
      if (refusal !== undefined) return refuseUpgrade(socket, refusal);
      if (sidOf(req) === undefined) {
        const lease = admission.enter(req);
        if (!(lease instanceof Lease)) return refuseUpgrade(socket, lease);
        socket.once("close", () => lease.releaseRequest());
      }
      engine.handleUpgrade(req as Parameters<EngineServer["handleUpgrade"]>[0], socket, head);
    },
  };
}
