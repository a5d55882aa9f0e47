import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";
import type { NoteAccess } from "../documents/note_ports.ts";
import { rooms } from "../protocol/events.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";

const PREFIX = rooms.note("");
/** Users that are asked for at once. */
const AT_ONCE = 20;
const TRIES = 3;

const forbidden = () => new AppError("forbidden", "You may not read this note.");

/** Whether the socket is there and speaks for the same session as when it asked. */
export function isStill(socket: RealtimeSocket, session: Session): boolean {
  return socket.connected && socket.data.session === session;
}

/**
 * Lets the socket into the room of a note. A change of access finds those who are in the room: one
 * that came before that is found by asking again.
 *
 * @throws {AppError} `forbidden` for who may not read the note
 */
export async function joinNoteRoom(
  socket: RealtimeSocket,
  session: Session,
  noteId: string,
  access: Pick<NoteAccess, "mayRead">,
): Promise<void> {
  const mayRead = () => access.mayRead(session.user.id, noteId);
  if (!(await mayRead())) throw forbidden();
  if (!isStill(socket, session)) return;
  const room = rooms.note(noteId);
  await socket.join(room);
  const mayStay = await mayRead().catch(() => false);
  if (mayStay && isStill(socket, session)) return;
  await socket.leave(room);
  if (!mayStay) throw forbidden();
}

/** Sends those out of the rooms of notes, on this instance, who may not read them any more. */
export class NoteRooms {
  readonly #io: RealtimeServer;
  readonly #access: Pick<NoteAccess, "mayRead">;
  readonly #logger: Logger;

  constructor(
    { io, access, logger }: {
      io: RealtimeServer;
      access: Pick<NoteAccess, "mayRead">;
      logger: Logger;
    },
  ) {
    this.#io = io;
    this.#access = access;
    this.#logger = logger;
  }

  /** Asks again about one user, or about all who are in the room. Never rejects. */
  async recheck(noteId: string, userId?: string): Promise<void> {
    const present = [...this.#present(noteId)];
    const users = present.filter((id) => userId === undefined || id === userId);
    for (let at = 0; at < users.length; at += AT_ONCE) {
      await Promise.all(users.slice(at, at + AT_ONCE).map((id) => this.#recheckUser(noteId, id)));
    }
  }

  /** Changes may have been missed: asks again about everybody in every room. Never rejects. */
  async recheckAll(): Promise<void> {
    const names = [...this.#io.sockets.adapter.rooms.keys()];
    for (const room of names) {
      if (room.startsWith(PREFIX)) await this.recheck(room.slice(PREFIX.length));
    }
  }

  /** The users whose sockets are in the room; `undefined` for those without a session. */
  #present(noteId: string): Set<string | undefined> {
    return new Set(this.#socketsIn(noteId).map(({ data }) => data.session?.user.id));
  }

  #socketsIn(noteId: string): RealtimeSocket[] {
    const { sockets } = this.#io;
    return [...sockets.adapter.rooms.get(rooms.note(noteId)) ?? []]
      .map((sid) => sockets.sockets.get(sid))
      .filter((socket) => socket !== undefined);
  }

  async #recheckUser(noteId: string, userId: string | undefined): Promise<void> {
    if (userId !== undefined && await this.#mayRead(userId, noteId)) return;
    for (const socket of this.#socketsIn(noteId)) {
      if (socket.data.session?.user.id === userId) await socket.leave(rooms.note(noteId));
    }
  }

  /** What can't be answered counts as no: who is sent out by mistake can join again. */
  async #mayRead(userId: string, noteId: string): Promise<boolean> {
    let waitMs = 0;
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) await pause(waitMs = backOff(waitMs));
      try {
        return await this.#access.mayRead(userId, noteId);
      } catch (thrown) {
        this.#logger.warn("access to a note not known", { error: errorText(thrown) });
      }
    }
    return false;
  }
}
