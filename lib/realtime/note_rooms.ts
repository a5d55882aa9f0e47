import { AccessReview } from "../common/access_review.ts";
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { NoteAccess } from "../documents/note_ports.ts";
import { rooms } from "../protocol/events.ts";
import { isStill, socketsIn } from "./local_sockets.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";

const PREFIX = rooms.note("");

export interface NoteRoomsOptions {
  io: RealtimeServer;
  access: Pick<NoteAccess, "mayRead">;
  logger: Logger;
}

/** Who of this instance's sessions is in which note's room: they are told what becomes of the note. */
export class NoteRooms implements Disposable {
  readonly #options: NoteRoomsOptions;
  readonly #review: AccessReview;

  constructor(options: NoteRoomsOptions) {
    this.#options = options;
    this.#review = new AccessReview({ what: "notes", logger: options.logger });
  }

  /**
   * Lets the socket into the room of a note. A change of access finds those who are in the room: one
   * that came before that is found by asking again.
   *
   * @throws {AppError} `forbidden` for who may not read the note, `unavailable` when the store can't tell
   */
  async join(socket: RealtimeSocket, session: Session, noteId: string): Promise<void> {
    const forbidden = () => new AppError("forbidden", "You may not read this note.");
    const userId = session.user.id;
    if (!await this.#options.access.mayRead(userId, noteId)) throw forbidden();
    if (!isStill(socket, session)) return;
    const room = rooms.note(noteId);
    await socket.join(room);
    if (!isStill(socket, session)) return void socket.leave(room);
    await this.recheck(noteId, userId);
    if (isStill(socket, session) && !socket.rooms.has(room)) throw forbidden();
  }

  /** Asks again about one user, or about all who are in the room. Never rejects. */
  async recheck(noteId: string, userId?: string): Promise<void> {
    await this.#review.askAll(
      [...this.#usersIn(noteId)]
        .filter((present) => userId === undefined || present === userId)
        .map((present) => this.#mayStay(present, noteId)),
    );
  }

  /** Changes may have been missed: asks again about everybody in every room. Never rejects. */
  async recheckAll(): Promise<void> {
    const names = [...this.#options.io.sockets.adapter.rooms.keys()];
    const noteIds = names.filter((room) => room.startsWith(PREFIX))
      .map((room) => room.slice(PREFIX.length));
    await this.#review.askAll(
      noteIds.flatMap((id) => [...this.#usersIn(id)].map((user) => this.#mayStay(user, id))),
    );
  }

  /** The users whose sockets are in the room; `undefined` for those without a session. */
  #usersIn(noteId: string): Set<string | undefined> {
    const present = socketsIn(this.#options.io, rooms.note(noteId));
    return new Set(present.map(({ data }) => data.session?.user.id));
  }

  #mayStay(userId: string | undefined, noteId: string) {
    const { io, access } = this.#options;
    const room = rooms.note(noteId);
    return {
      key: JSON.stringify([userId, noteId]),
      ask: () => userId === undefined ? Promise.resolve(false) : access.mayRead(userId, noteId),
      async apply(may: boolean) {
        if (may) return;
        for (const socket of socketsIn(io, room)) {
          if (socket.data.session?.user.id === userId) await socket.leave(room);
        }
      },
      matters: () => this.#usersIn(noteId).has(userId),
    };
  }

  [Symbol.dispose](): void {
    this.#review[Symbol.dispose]();
  }
}
