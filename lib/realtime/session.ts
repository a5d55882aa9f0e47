/** What a socket carries of its own: who is behind it. */
import type { RemoteSocket, Server, Socket } from "socket.io";
import type { SessionUser } from "../protocol/user.ts";
import type { ServerEventName, ServerEvents } from "../protocol/wire_events.ts";
import type { VerifiedToken } from "./knowledge.ts";

/** Who is behind a socket. Kept on the socket, so that no event needs a read of the store. */
export interface Session {
  sid: string;
  user: SessionUser;
  /** The token that opened it. */
  token: Omit<VerifiedToken, "user">;
}

/** `socket.data`. */
export interface SocketData {
  session?: Session;
  /** What the socket's client had before its connection was lost, until its token is checked. */
  found?: {
    userId: string;
    rooms: string[];
    /** What was said meanwhile in those of its rooms that it joins in this turn. */
    missed(rooms: ReadonlySet<string>): unknown[][];
  };
}

// What comes in passes the dispatcher, and is checked there by schemas.
// deno-lint-ignore no-explicit-any
type Events = Record<string, (...args: any[]) => void>;
type Sent = {
  [E in ServerEventName]: (payload: ServerEvents[E], ack?: (answer: unknown) => void) => void;
};
export type RealtimeServer = Server<Events, Sent, Events, SocketData>;
export type RealtimeSocket = Socket<Events, Sent, Events, SocketData>;
export type RealtimeRemoteSocket = RemoteSocket<Sent, SocketData>;
