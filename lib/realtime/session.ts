/** What a socket carries of its own: who is behind it. */
import type { RemoteSocket, Server, Socket } from "socket.io";
import type { SessionUser } from "../protocol/user.ts";

/** Who is behind a socket. Kept on the socket, so that no event needs a read of the store. */
export interface Session {
  sid: string;
  user: SessionUser;
  /** The token that opened it: its id, its end and its beginning in unix seconds. */
  token: { jti: string | undefined; exp: number | undefined; iat: number | undefined };
}

/** `socket.data`. */
export interface SocketData {
  session?: Session;
}

// The event maps of Socket.IO's generics would check names only: payloads are checked by schemas.
// deno-lint-ignore no-explicit-any
export type Events = Record<string, (...args: any[]) => void>;
export type RealtimeServer = Server<Events, Events, Events, SocketData>;
export type RealtimeSocket = Socket<Events, Events, Events, SocketData>;
export type RealtimeRemoteSocket = RemoteSocket<Events, SocketData>;
