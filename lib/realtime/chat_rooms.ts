import { AccessReview } from "../common/access_review.ts";
import type { Logger } from "../common/logger.ts";
import { isTemporary } from "../protocol/chat.ts";
import { rooms } from "../protocol/events.ts";
import type { ViewerPool } from "../sessions/viewer_pool.ts";
import type { ChatAccess, Knowledge } from "./knowledge.ts";
import { isStill, socketsIn } from "./local_sockets.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";

export interface ChatRoomsOptions {
  io: RealtimeServer;
  chats: Pick<Knowledge["chats"], "access">;
  /** Who looks at which chat, on all instances. */
  viewers: Pick<ViewerPool, "enter" | "leave" | "viewers">;
  /** Notes which chats the session looks at. */
  noteChats(sid: string, chatIds: string[]): void;
  /** Whether anybody but its owner looks at the chat on this instance has changed. Default: nobody asks. */
  onGuests?(chatId: string, hasGuests: boolean): void;
  /** A socket has asked to look at the chat, and does. */
  onJoined?(socket: RealtimeSocket, chatId: string): void;
  logger: Logger;
}

const PREFIX = rooms.chat("");
/** Chats that one session looks at. */
const MAX_CHATS = 64;

/** The chat whose room it is; `undefined` for a room of another kind. */
export function chatOf(room: string): string | undefined {
  return room.startsWith(PREFIX) ? room.slice(PREFIX.length) : undefined;
}

/** Chats that are stored, and so can be looked at by more than one session. */
const isSaved = (chatId: string) => !isTemporary(chatId) && !chatId.startsWith("channel:");

/** Who of this instance's sessions looks at which chat: they see who else does, and who types. */
export class ChatRooms implements Disposable {
  readonly #options: ChatRoomsOptions;
  readonly #review: AccessReview;
  /** One after another for each socket: a client may leave a chat while it still joins it. */
  readonly #turns = new WeakMap<RealtimeSocket, Promise<unknown>>();
  /** Chat id → sids of those here whose chat it is not. */
  readonly #guests = new Map<string, Set<string>>();

  constructor(options: ChatRoomsOptions) {
    this.#options = options;
    this.#review = new AccessReview({ what: "chats", logger: options.logger });
  }

  /** Says whether the session may look at the chat. */
  join(socket: RealtimeSocket, session: Session, chatId: string): Promise<boolean> {
    return this.#inTurn(socket, async () => {
      if (!isSaved(chatId) || this.chatsOf(socket).length >= MAX_CHATS) return false;
      const access = await this.#options.chats.access(session.user, chatId);
      if (!access.read || !isStill(socket, session)) return false;
      await this.enter(socket, session, chatId, access);
      this.#options.onJoined?.(socket, chatId);
      return isStill(socket, session);
    });
  }

  /** Lets the session in, whose access is known. */
  async enter(
    socket: RealtimeSocket,
    { user: { id, name } }: Session,
    chatId: string,
    { isOwner }: Pick<ChatAccess, "isOwner">,
  ): Promise<void> {
    if (!isOwner) this.#noteGuest(chatId, socket.id, true);
    await socket.join(rooms.chat(chatId));
    this.#options.noteChats(socket.id, this.chatsOf(socket));
    await this.#options.viewers.enter(chatId, socket.id, { id, name });
    // Who disconnected meanwhile was taken out before they were in.
    if (!socket.connected) await this.#options.viewers.leave(chatId, socket.id);
    await this.announce(chatId);
  }

  leave(socket: RealtimeSocket, chatId: string): Promise<boolean> {
    return this.#inTurn(socket, async () => {
      if (!isSaved(chatId)) return false;
      await socket.leave(rooms.chat(chatId));
      await this.left(socket, chatId);
      return true;
    });
  }

  /** The socket has left the room, whoever took it out. */
  async left(socket: RealtimeSocket, chatId: string): Promise<void> {
    this.#options.noteChats(socket.id, this.chatsOf(socket));
    await this.#gone(socket.id, chatId);
  }

  /** The session has ended with its socket, which was in these rooms. Never rejects. */
  async sessionGone(sid: string, chatIds: readonly string[]): Promise<void> {
    await Promise.allSettled(chatIds.map((chatId) => this.#gone(sid, chatId)));
  }

  /** Tells the others in the chat; says whether the session may. */
  async typing(
    socket: RealtimeSocket,
    { user }: Session,
    chatId: string,
    typing: boolean,
  ): Promise<boolean> {
    const room = rooms.chat(chatId);
    if (!socket.rooms.has(room)) return false;
    if (!(await this.#options.chats.access(user, chatId)).write) return false;
    const { id, name } = user;
    this.#options.io.to(room).except(socket.id).emit("events", {
      chat_id: chatId,
      message_id: "",
      user_id: id,
      user: { id, name },
      shared: true,
      data: { type: "typing", data: { typing } },
    });
    return true;
  }

  /** The ids of the chats that the socket looks at. */
  chatsOf(socket: RealtimeSocket): string[] {
    return [...socket.rooms].flatMap((room) => chatOf(room) ?? []);
  }

  /** Whether somebody here looks at a chat that is not theirs. */
  hasGuests(chatId: string): boolean {
    return this.#guests.has(chatId);
  }

  /** Changes of access may have been missed: asks again for all who look at a chat. Never rejects. */
  async recheckAll(): Promise<void> {
    const all = [...this.#options.io.sockets.sockets.values()];
    await this.#review.askAll(
      all.flatMap((socket) => this.chatsOf(socket).map((chatId) => this.#mayStay(socket, chatId))),
    );
  }

  /** The store may have lost who looks at what: all who do here are noted again. Never rejects. */
  async noteAnew(): Promise<void> {
    const chatIds = new Set<string>();
    for (const socket of this.#options.io.sockets.sockets.values()) {
      const user = socket.data.session?.user;
      if (!user) continue;
      const { id, name } = user;
      for (const chatId of this.chatsOf(socket)) {
        chatIds.add(chatId);
        await this.#options.viewers.enter(chatId, socket.id, { id, name }).catch(() => {});
      }
    }
    for (const chatId of chatIds) await this.announce(chatId).catch(() => {});
  }

  /** Tells all who look at the chat who they are. */
  async announce(chatId: string): Promise<void> {
    const users = await this.#options.viewers.viewers(chatId);
    this.#options.io.to(rooms.chat(chatId)).emit("events", {
      chat_id: chatId,
      message_id: "",
      shared: true,
      data: { type: "chat:presence", data: { users } },
    });
  }

  async #gone(sid: string, chatId: string): Promise<void> {
    this.#noteGuest(chatId, sid, false);
    try {
      await this.#options.viewers.leave(chatId, sid);
      await this.announce(chatId);
    } catch (thrown) {
      this.#options.logger.warn("a chat's viewers are not told who left", {
        error: String(thrown),
      });
    }
  }

  #noteGuest(chatId: string, sid: string, isThere: boolean): void {
    const guests = this.#guests.get(chatId) ?? new Set<string>();
    const before = guests.size;
    if (isThere) guests.add(sid);
    else guests.delete(sid);
    if (guests.size > 0) this.#guests.set(chatId, guests);
    else this.#guests.delete(chatId);
    if ((before > 0) !== (guests.size > 0)) this.#options.onGuests?.(chatId, guests.size > 0);
  }

  #mayStay(socket: RealtimeSocket, chatId: string) {
    const { session } = socket.data;
    return {
      key: JSON.stringify([socket.id, chatId]),
      ask: async () =>
        session !== undefined && (await this.#options.chats.access(session.user, chatId)).read,
      apply: async (may: boolean) => {
        if (!may) await this.leave(socket, chatId);
      },
      matters: () => socket.connected && socket.rooms.has(rooms.chat(chatId)),
    };
  }

  #inTurn<T>(socket: RealtimeSocket, work: () => Promise<T>): Promise<T> {
    const mine = (this.#turns.get(socket) ?? Promise.resolve()).then(work, work);
    this.#turns.set(socket, mine);
    return mine;
  }

  /** The sockets here that look at the chat. */
  viewersHere(chatId: string): RealtimeSocket[] {
    return socketsIn(this.#options.io, rooms.chat(chatId));
  }

  [Symbol.dispose](): void {
    this.#review[Symbol.dispose]();
  }
}
