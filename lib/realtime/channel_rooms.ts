import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { rooms } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";

export interface ChannelRoomsOptions {
  io: RealtimeServer;
  /** The ids of the channels that the user may enter, a page at a time. */
  channelsOf(user: PublicUser): AsyncIterable<string[]>;
  mayEnter(userId: string, channelId: string): Promise<boolean>;
  logger: Logger;
}

/** Users that are asked for at once when a channel's access changes. */
const AT_ONCE = 50;
const PREFIX = rooms.channel("");

/**
 * Who of this instance's sessions is in which channel's room. The store is the judge: a change of
 * access only says whom to ask about, so that messages which cross each other do no harm.
 */
export class ChannelRooms {
  readonly #options: ChannelRoomsOptions;
  /** Sessions that are joining their rooms, with the channels whose access changed meanwhile. */
  readonly #entering = new Set<{ userId: string; changed: Set<string> }>();
  /** The last question about a user and a channel: an older one's answer does not count. */
  readonly #asked = new Map<string, symbol>();

  constructor(options: ChannelRoomsOptions) {
    this.#options = options;
  }

  /** Whether the room is a channel's, and of which. */
  static channelOf(room: string): string | undefined {
    return room.startsWith(PREFIX) ? room.slice(PREFIX.length) : undefined;
  }

  /** Lets the socket into the rooms of all channels of its user, and out of all others. */
  async enter(socket: RealtimeSocket, session: Session): Promise<void> {
    const userId = session.user.id;
    const entering = { userId, changed: new Set<string>() };
    this.#entering.add(entering);
    try {
      const open = new Set<string>();
      for await (const ids of this.#options.channelsOf(session.user)) {
        if (!socket.connected || socket.data.session?.user.id !== userId) return;
        for (const id of ids) open.add(rooms.channel(id));
        await socket.join(ids.map(rooms.channel));
      }
      for (const room of socket.rooms) {
        if (room.startsWith(PREFIX) && !open.has(room)) {
          entering.changed.add(room.slice(PREFIX.length));
        }
      }
    } finally {
      this.#entering.delete(entering);
    }
    await this.#askEach([...entering.changed].map((channelId) => [userId, channelId]));
  }

  /** The user's access to the channel may have changed. Never rejects. */
  async userChanged(userId: string, channelId: string): Promise<void> {
    this.#note(channelId, userId);
    if (this.#socketsIn(rooms.user(userId)).length > 0) await this.#ask(userId, channelId);
  }

  /** Anybody's access to the channel may have changed. Never rejects. */
  async channelChanged(channelId: string): Promise<void> {
    this.#note(channelId);
    const users = new Set<string>();
    for (const { data } of this.#options.io.sockets.sockets.values()) {
      if (data.session) users.add(data.session.user.id);
    }
    await this.#askEach([...users].map((userId) => [userId, channelId]));
  }

  /** The user's access to any channel may have changed: a group was joined or left. Never rejects. */
  async userRegrouped(userId: string): Promise<void> {
    await this.#enterAgain(this.#socketsIn(rooms.user(userId)));
  }

  /** Changes may have been missed. Never rejects. */
  async allChanged(): Promise<void> {
    await this.#enterAgain([...this.#options.io.sockets.sockets.values()]);
  }

  async #enterAgain(sockets: readonly RealtimeSocket[]): Promise<void> {
    for (const socket of sockets) {
      const { session } = socket.data;
      if (!session) continue;
      await this.enter(socket, session).catch((thrown) =>
        this.#options.logger.warn("channels could not be joined", { error: errorText(thrown) })
      );
    }
  }

  #note(channelId: string, userId?: string): void {
    for (const entering of this.#entering) {
      if (userId === undefined || entering.userId === userId) entering.changed.add(channelId);
    }
  }

  async #askEach(questions: readonly (readonly [string, string])[]): Promise<void> {
    for (let at = 0; at < questions.length; at += AT_ONCE) {
      await Promise.all(
        questions.slice(at, at + AT_ONCE).map(([user, channel]) => this.#ask(user, channel)),
      );
    }
  }

  /** What can't be answered counts as no: who is sent out by mistake can join again. */
  async #ask(userId: string, channelId: string): Promise<void> {
    const { io, mayEnter, logger } = this.#options;
    const question = JSON.stringify([userId, channelId]);
    const turn = Symbol();
    this.#asked.set(question, turn);
    const may = await mayEnter(userId, channelId).catch((thrown) => {
      logger.warn("access to a channel not known", { error: errorText(thrown) });
      return false;
    });
    if (this.#asked.get(question) !== turn) return;
    this.#asked.delete(question);
    const here = io.local.to(rooms.user(userId));
    if (may) here.socketsJoin(rooms.channel(channelId));
    else here.socketsLeave(rooms.channel(channelId));
  }

  #socketsIn(room: string): RealtimeSocket[] {
    const { sockets } = this.#options.io;
    return [...sockets.adapter.rooms.get(room) ?? []]
      .map((sid) => sockets.sockets.get(sid))
      .filter((socket) => socket !== undefined);
  }
}
