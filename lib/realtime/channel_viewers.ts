import { TrailingThrottle } from "../channels/trailing_throttle.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { rooms } from "../protocol/events.ts";
import type { ViewerPool } from "../sessions/viewer_pool.ts";
import { isStill, socketsIn } from "./local_sockets.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";

export interface ChannelViewersOptions {
  io: RealtimeServer;
  /** Who looks at which channel, on all instances. */
  viewers: Pick<ViewerPool, "enter" | "leave" | "viewers">;
  logger: Logger;
}

const PREFIX = rooms.channelViewers("");
/** Channels that one session looks at. */
const MAX_CHANNELS = 8;
/** People who are named to all who look; the others are counted. */
const MAX_NAMED = 20;
/** A crowd that comes at once is told of as one, in milliseconds. */
const EVERY_MS = 500;

/** The channel whose viewers' room it is; `undefined` for a room of another kind. */
export function viewedChannelOf(room: string): string | undefined {
  return room.startsWith(PREFIX) ? room.slice(PREFIX.length) : undefined;
}

/** Who of a channel's members looks at it just now: they see each other. */
export class ChannelViewers implements Disposable {
  readonly #options: ChannelViewersOptions;
  readonly #notices = new Map<string, TrailingThrottle<void>>();

  constructor(options: ChannelViewersOptions) {
    this.#options = options;
  }

  /** Says whether the session looks at the channel. The caller has seen that the socket is in its room. */
  async join(socket: RealtimeSocket, session: Session, channelId: string): Promise<boolean> {
    const room = rooms.channelViewers(channelId);
    const seen = [...socket.rooms].filter((name) => viewedChannelOf(name) !== undefined);
    if (seen.length >= MAX_CHANNELS && !socket.rooms.has(room)) return false;
    const { id, name } = session.user;
    await socket.join(room);
    await this.#options.viewers.enter(channelId, socket.id, { id, name });
    // Who left or lost access meanwhile was taken out before they were in.
    if (!isStill(socket, session) || !socket.rooms.has(room)) {
      await this.#gone(socket.id, channelId);
      return false;
    }
    this.#announce(channelId);
    return true;
  }

  async leave(socket: RealtimeSocket, channelId: string): Promise<void> {
    const room = rooms.channelViewers(channelId);
    if (!socket.rooms.has(room)) return;
    await socket.leave(room);
    await this.#gone(socket.id, channelId);
  }

  /** The user may not enter the channel any more. Never rejects. */
  async denied(userId: string, channelId: string): Promise<void> {
    for (const socket of socketsIn(this.#options.io, rooms.channelViewers(channelId))) {
      if (socket.data.session?.user.id === userId) await this.leave(socket, channelId);
    }
  }

  /** The session has ended with its socket, which looked at these channels. Never rejects. */
  async sessionGone(sid: string, channelIds: readonly string[]): Promise<void> {
    await Promise.all(channelIds.map((channelId) => this.#gone(sid, channelId)));
  }

  async #gone(sid: string, channelId: string): Promise<void> {
    try {
      await this.#options.viewers.leave(channelId, sid);
    } catch (thrown) {
      this.#failed(thrown);
    }
    this.#announce(channelId);
  }

  /** Tells all who look at the channel who they are, soon. */
  #announce(channelId: string): void {
    const notice = this.#notices.get(channelId) ?? new TrailingThrottle<void>({
      everyMs: EVERY_MS,
      send: () => this.#tell(channelId),
    });
    this.#notices.set(channelId, notice);
    notice.push();
  }

  async #tell(channelId: string): Promise<void> {
    const { io, viewers } = this.#options;
    try {
      const users = await viewers.viewers(channelId);
      io.to(rooms.channelViewers(channelId)).emit("events:channel", {
        channel_id: channelId,
        message_id: null,
        data: {
          type: "channel:presence",
          data: { users: users.slice(0, MAX_NAMED), total: users.length },
        },
      });
    } catch (thrown) {
      this.#failed(thrown);
    }
    // Whoever comes next makes a new one.
    if (socketsIn(io, rooms.channelViewers(channelId)).length === 0) {
      this.#notices.delete(channelId);
    }
  }

  #failed(thrown: unknown): void {
    this.#options.logger.warn("a channel's viewers are not told who looks", {
      error: errorText(thrown),
    });
  }

  [Symbol.dispose](): void {
    for (const notice of this.#notices.values()) notice[Symbol.dispose]();
    this.#notices.clear();
  }
}
