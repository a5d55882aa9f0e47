/** What a socket carries of its own: who is behind it. */
import type { RemoteSocket, Server, Socket } from "socket.io";
import type { SessionUser, User } from "../protocol/user.ts";
import type { ServerEventName, ServerEvents } from "../protocol/wire_events.ts";

/** Who is behind a socket. Kept on the socket, so that no event needs a read of the store. */
export interface Session {
  sid: string;
  user: SessionUser;
  /** The token that opened it: its id, its end and its beginning in unix seconds. */
  token: { jti: string | undefined; exp: number | undefined; iat: number | undefined };
}

/** What a session keeps of its user (docs/protocol.md, section 2). */
export function sessionUserOf(user: User, nowSeconds: number): SessionUser {
  const {
    profile_image_url: _image,
    profile_banner_image_url: _banner,
    date_of_birth: _birth,
    bio: _bio,
    gender: _gender,
    ...kept
  } = user;
  return { ...kept, last_seen_at: nowSeconds };
}

/** `socket.data`. */
export interface SocketData {
  session?: Session;
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
