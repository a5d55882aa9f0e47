import { PacketType } from "socket.io-parser";
import { AppError } from "../common/errors.ts";
import { rooms as roomNames } from "../protocol/events.ts";
import { channelOf } from "./channel_rooms.ts";
import { chatOf, type ChatRooms } from "./chat_rooms.ts";
import type { ChatAccess, Knowledge } from "./knowledge.ts";
import { tellToReload } from "./reloads.ts";
import type { RealtimeSocket, Session } from "./session.ts";

export interface ComebacksOptions {
  recovery: {
    /** A name for the session, by which it is found again. */
    newPid(sid: string): string;
    /** What a client is to say that has all events up to now. */
    offset(): string;
  };
  knowledge: Knowledge;
  chats: Pick<ChatRooms, "enter">;
}

/** What is private of Socket.IO's sockets, in 4.8.4. */
interface Internals {
  pid: string;
  packet(packet: { type: PacketType; data: unknown[] }): void;
}

/** Types of `events` whose client takes a second argument for the way to answer. */
const ASKING = /^(execute|input|confirmation|request|voice)(:|$)/;

/**
 * Whether who comes back is given the event. Documents are sent whole to who joins them again; and of
 * what asks, an offset behind the payload would be taken for the way to answer.
 */
export function isGivenBack([name, payload]: readonly unknown[]): boolean {
  if (typeof name !== "string" || name === "error" || name.startsWith("ydoc:")) return false;
  const { data } = (payload ?? {}) as { data?: { type?: unknown } };
  return !(name === "events" && typeof data?.type === "string" && ASKING.test(data.type));
}

/** A client that could not be given what it missed joins its chats again within this time. */
const STALE_MS = 30_000;
/** An event that clients don't know: Socket.IO's own notes the offset that it ends with. */
const OFFSET_EVENT = "offset";
const NOTE_PREFIX = roomNames.note("");

const internals = (socket: RealtimeSocket) => socket as unknown as Internals;

/**
 * Sessions that come back after their connection was lost: as the same user by a token that counts,
 * in those rooms that they may still be in, with what was said there meanwhile. Who can't be given
 * that is told to read the chats anew that it looks at.
 */
export class Comebacks {
  readonly #options: ComebacksOptions;
  readonly #restore = new WeakMap<RealtimeSocket, () => void>();
  readonly #staleSinceMs = new WeakMap<RealtimeSocket, number>();

  constructor(options: ComebacksOptions) {
    this.#options = options;
  }

  /** Before anything is known of the socket. `pid`: what its client was called before, if it says so. */
  begin(socket: RealtimeSocket, pid: string | undefined): void {
    if (socket.data.found) return;
    internals(socket).pid = this.#options.recovery.newPid(socket.id);
    if (pid !== undefined) this.#staleSinceMs.set(socket, performance.now());
  }

  /**
   * The socket's user is known, who is to be the same as before.
   *
   * @throws {AppError} `forbidden` for somebody else, or for nobody
   */
  async admit(socket: RealtimeSocket, session: Session | undefined): Promise<void> {
    const { found } = socket.data;
    if (!found) return;
    if (found.userId !== session?.user.id) {
      throw new AppError("forbidden", "This session is somebody else's.");
    }
    const chats = new Map<string, ChatAccess>();
    const allowed = await this.#allowed(session, found.rooms, chats);
    this.#restore.set(socket, () => {
      void socket.join([...allowed]);
      for (const data of found.missed(allowed)) {
        internals(socket).packet({ type: PacketType.EVENT, data });
      }
      for (const [chatId, access] of chats) {
        void this.#options.chats.enter(socket, session, chatId, access).catch(() => {});
        // A copy of somebody else's stream is not kept for who is away.
        if (!access.isOwner) tellToReload(socket, chatId);
      }
    });
  }

  /** In the turn in which the socket is taken in: joins, and sends what was missed. */
  connected(socket: RealtimeSocket): void {
    this.#restore.get(socket)?.();
    this.#restore.delete(socket);
    delete socket.data.found;
    const data = [OFFSET_EVENT, this.#options.recovery.offset()];
    internals(socket).packet({ type: PacketType.EVENT, data });
  }

  /** The socket looks at the chat. */
  joined(socket: RealtimeSocket, chatId: string): void {
    const sinceMs = this.#staleSinceMs.get(socket);
    if (sinceMs !== undefined && performance.now() - sinceMs < STALE_MS) {
      tellToReload(socket, chatId);
    }
  }

  /** Those of the rooms that the session may still be in; of chats, what it may do there. */
  async #allowed(
    { sid, user }: Session,
    rooms: readonly string[],
    chats: Map<string, ChatAccess>,
  ): Promise<Set<string>> {
    const { knowledge } = this.#options;
    const allowed = new Set([sid, roomNames.user(user.id)]);
    await Promise.all(rooms.map(async (room) => {
      const [channelId, chatId] = [channelOf(room), chatOf(room)];
      if (channelId !== undefined) {
        if (await knowledge.channels.mayEnter(user.id, channelId)) allowed.add(room);
      } else if (chatId !== undefined) {
        const access = await knowledge.chats.access(user, chatId);
        if (!access.read) return;
        allowed.add(room);
        chats.set(chatId, access);
      } else if (room.startsWith(NOTE_PREFIX)) {
        const noteId = room.slice(NOTE_PREFIX.length);
        if (await knowledge.notes.mayRead(user.id, noteId)) allowed.add(room);
      }
    }));
    return allowed;
  }
}
