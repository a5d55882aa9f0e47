import { AccessReview } from "../common/access_review.ts";
import type { Logger } from "../common/logger.ts";
import { channelUpdated } from "../protocol/channel.ts";
import { rooms } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import { isHere, socketsIn } from "./local_sockets.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";

export interface ChannelRoomsOptions {
  io: RealtimeServer;
  /** The ids of the channels that the user may enter, a page at a time. */
  channelsOf(user: PublicUser): AsyncIterable<string[]>;
  mayEnter(userId: string, channelId: string): Promise<boolean>;
  /** The user may not enter it, or not any more. Default: nobody asks. */
  onDenied?(userId: string, channelId: string): void;
  logger: Logger;
}

const PREFIX = rooms.channel("");

/** The channel whose room it is; `undefined` for a room of another kind. */
export function channelOf(room: string): string | undefined {
  return room.startsWith(PREFIX) ? room.slice(PREFIX.length) : undefined;
}

/**
 * Who of this instance's sessions is in which channel's room. The store is the judge: a change of
 * access only says whom to ask about, so that messages which cross each other do no harm.
 */
export class ChannelRooms implements Disposable {
  readonly #options: ChannelRoomsOptions;
  readonly #review: AccessReview;
  /** Sessions that are joining their rooms, with the channels whose access changed meanwhile. */
  readonly #entering = new Set<{ userId: string; changed: Set<string> }>();

  constructor(options: ChannelRoomsOptions) {
    this.#options = options;
    this.#review = new AccessReview({ what: "channels", logger: options.logger });
  }

  /**
   * Lets the socket into the rooms of all channels of its user, and out of all others. What the
   * store can't tell now is asked for again later, too.
   *
   * @throws {AppError} `unavailable` when the store can't tell
   */
  async enter(socket: RealtimeSocket, session: Session): Promise<void> {
    try {
      await this.#enter(socket, session);
    } catch (thrown) {
      this.#review.owe(this.#channelsOf(socket, session), thrown);
      throw thrown;
    }
  }

  /** The user's access to the channel may have changed. Never rejects. */
  async userChanged(userId: string, channelId: string): Promise<void> {
    this.#note(channelId, userId);
    if (isHere(this.#options.io, userId)) await this.#review.ask(this.#mayEnter(userId, channelId));
  }

  /** Anybody's access to the channel may have changed; who may enter it hears so. Never rejects. */
  async channelChanged(channelId: string): Promise<void> {
    this.#note(channelId);
    const users = new Set<string>();
    for (const { data } of this.#options.io.sockets.sockets.values()) {
      if (data.session) users.add(data.session.user.id);
    }
    await this.#review.askAll([...users].map((userId) => this.#mayEnter(userId, channelId)));
    const here = this.#options.io.local.to(rooms.channel(channelId));
    here.emit("events:channel", channelUpdated(channelId));
  }

  /** The user's access to any channel may have changed: a group was joined or left. Never rejects. */
  async userRegrouped(userId: string): Promise<void> {
    await this.#enterAgain(socketsIn(this.#options.io, rooms.user(userId)));
  }

  /** Changes may have been missed. Never rejects. */
  async allChanged(): Promise<void> {
    await this.#enterAgain(this.#options.io.sockets.sockets.values());
  }

  async #enterAgain(sockets: Iterable<RealtimeSocket>): Promise<void> {
    const questions = [...sockets].flatMap((socket) =>
      socket.data.session ? [this.#channelsOf(socket, socket.data.session)] : []
    );
    await this.#review.askAll(questions);
  }

  async #enter(socket: RealtimeSocket, { user }: Session): Promise<void> {
    const entering = { userId: user.id, changed: new Set<string>() };
    this.#entering.add(entering);
    try {
      const open = new Set<string>();
      for await (const ids of this.#options.channelsOf(user)) {
        if (!socket.connected || socket.data.session?.user.id !== user.id) return;
        for (const id of ids) open.add(rooms.channel(id));
        await socket.join(ids.map(rooms.channel));
      }
      for (const room of socket.rooms) {
        const channelId = channelOf(room);
        if (channelId !== undefined && !open.has(room)) entering.changed.add(channelId);
      }
    } finally {
      this.#entering.delete(entering);
    }
    // What changed on the way, or is not in the list, is asked for one by one.
    await this.#review.askAll([...entering.changed].map((id) => this.#mayEnter(user.id, id)));
  }

  #note(channelId: string, userId?: string): void {
    for (const entering of this.#entering) {
      if (userId === undefined || entering.userId === userId) entering.changed.add(channelId);
    }
  }

  #channelsOf(socket: RealtimeSocket, session: Session) {
    return {
      key: `all ${socket.id}`,
      ask: () => this.#enter(socket, session),
      apply: () => {},
      matters: () => socket.connected && socket.data.session?.user.id === session.user.id,
    };
  }

  #mayEnter(userId: string, channelId: string) {
    const { io, mayEnter, onDenied } = this.#options;
    const room = rooms.channel(channelId);
    return {
      key: JSON.stringify([userId, channelId]),
      ask: () => mayEnter(userId, channelId),
      apply(may: boolean) {
        const here = io.local.to(rooms.user(userId));
        if (may) here.socketsJoin(room);
        else {
          here.socketsLeave(room);
          onDenied?.(userId, channelId);
        }
      },
      matters: () => isHere(io, userId),
    };
  }

  [Symbol.dispose](): void {
    this.#review[Symbol.dispose]();
  }
}
