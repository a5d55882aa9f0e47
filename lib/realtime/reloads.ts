import { pause } from "../common/pause.ts";
import type { ChatRooms } from "./chat_rooms.ts";
import type { RealtimeServer, RealtimeSocket } from "./session.ts";

export interface ReloadsOptions {
  io: RealtimeServer;
  chats: Pick<ChatRooms, "chatsOf">;
  /**
   * How many are told a second: each of them asks Open WebUI for the chat, its tags and its tasks, some
   * twenty milliseconds of a Python process. Default: 100.
   */
  perSecond?: number;
  /**
   * After so long a chat in whose answer there was a gap is read once more, if nothing has been heard of
   * it since. Default: 10,000: python-socketio tries for up to eight seconds to say something to a Redis
   * that was away, and then it is lost.
   */
  againMs?: number;
}

/** A chat of which nothing was heard for this long is at rest: nothing of it was lost in a gap. */
const LIVE_MS = 60_000;
const STEP_MS = 50;

/** Has the client read the chat again. */
export function tellToReload(socket: RealtimeSocket, chat_id: string): void {
  socket.emit("events", { chat_id, message_id: "", data: { type: "chat:reload", data: {} } });
}

/**
 * After a gap in what is heard of Python, everybody reads again the chats that they look at: first those
 * in which something goes on, and so many a second that Python can answer.
 */
export class Reloads implements Disposable {
  readonly #options: Required<ReloadsOptions>;
  /** When each chat was last heard of, by `performance.now()`; the oldest first. */
  readonly #heardMs = new Map<string, number>();
  /** Who waits to be told, and of which chats. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #stop = new AbortController();
  #isTelling = false;

  constructor(options: ReloadsOptions) {
    this.#options = { perSecond: 100, againMs: 10_000, ...options };
  }

  /** Something was said of a chat. */
  heard(chatId: string): void {
    const now = performance.now();
    this.#heardMs.delete(chatId);
    this.#heardMs.set(chatId, now);
    for (const [oldest, heardMs] of this.#heardMs) {
      if (now - heardMs <= LIVE_MS) break;
      this.#heardMs.delete(oldest);
    }
  }

  /** Something may have been missed of every chat. */
  tellAll(): void {
    const now = performance.now();
    const live = this.#heardSince(now - LIVE_MS);
    this.#tell((chatId) => live.has(chatId));
    this.#tell((chatId) => !live.has(chatId));
    void this.#tellAgain(live, now);
  }

  async #tellAgain(live: ReadonlySet<string>, sinceMs: number): Promise<void> {
    const { signal } = this.#stop;
    await pause(this.#options.againMs, signal);
    if (signal.aborted) return;
    const lost = live.difference(this.#heardSince(sinceMs));
    this.#tell((chatId) => lost.has(chatId));
  }

  #heardSince(ms: number): Set<string> {
    return new Set([...this.#heardMs].flatMap(([chatId, at]) => at >= ms ? chatId : []));
  }

  #tell(isMeant: (chatId: string) => boolean): void {
    const { io, chats } = this.#options;
    for (const socket of io.sockets.sockets.values()) {
      const meant = chats.chatsOf(socket).filter(isMeant);
      if (meant.length === 0) continue;
      this.#waiting.set(
        socket.id,
        (this.#waiting.get(socket.id) ?? new Set()).union(new Set(meant)),
      );
    }
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const { signal } = this.#stop;
    const most = Math.ceil(this.#options.perSecond * STEP_MS / 1_000);
    while (this.#waiting.size > 0 && !signal.aborted) {
      for (let told = 0; told < most;) {
        const [next] = this.#waiting;
        if (!next) break;
        const [sid, chatIds] = next;
        this.#waiting.delete(sid);
        told += this.#tellOne(sid, chatIds);
      }
      await pause(STEP_MS, signal);
    }
    this.#isTelling = false;
  }

  /** Of how many chats; none that it does not look at any more. */
  #tellOne(sid: string, chatIds: ReadonlySet<string>): number {
    const { io, chats } = this.#options;
    const socket = io.sockets.sockets.get(sid);
    const told = socket ? chats.chatsOf(socket).filter((chatId) => chatIds.has(chatId)) : [];
    for (const chatId of told) if (socket) tellToReload(socket, chatId);
    return told.length;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
