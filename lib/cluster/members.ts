import type { Server } from "socket.io";

export interface RoomMembers {
  sids: string[];
  userIds: string[];
}

/** Reads the user's id from a socket's visible data. */
export type UserIdOf = (data: unknown) => string | undefined;

/**
 * Who is in a room, on all instances.
 *
 * @throws {AppError} `timeout` when an instance does not answer in time: a part is no answer.
 */
export async function membersOf(
  io: Pick<Server, "in">,
  room: string,
  userIdOf: UserIdOf,
): Promise<RoomMembers> {
  const sockets = await io.in(room).fetchSockets();
  const userIds = new Set<string>();
  for (const { data } of sockets) {
    const userId = userIdOf(data);
    if (userId !== undefined) userIds.add(userId);
  }
  return { sids: sockets.map(({ id }) => id), userIds: [...userIds] };
}
