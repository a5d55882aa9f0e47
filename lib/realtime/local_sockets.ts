import { rooms } from "../protocol/events.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";

/** The sockets of this instance that are in the room. */
export function socketsIn({ sockets }: RealtimeServer, room: string): RealtimeSocket[] {
  return [...sockets.adapter.rooms.get(room) ?? []]
    .map((sid) => sockets.sockets.get(sid))
    .filter((socket) => socket !== undefined);
}

/** Whether the user has a session on this instance. */
export function isHere({ sockets }: RealtimeServer, userId: string): boolean {
  return sockets.adapter.rooms.has(rooms.user(userId));
}

/** Whether the socket is there and speaks for the same session as when it asked. */
export function isStill(socket: RealtimeSocket, session: Session): boolean {
  return socket.connected && socket.data.session === session;
}
