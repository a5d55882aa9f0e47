import type { ChannelEvent } from "../protocol/channel.ts";
import { rooms } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { RealtimeServer, RealtimeSocket } from "./session.ts";

export interface TypingNoticesOptions {
  io: RealtimeServer;
}

/** Who has not typed for so long has stopped, as in Open WebUI's client. */
const ENDS_AFTER_MS = 5_000;

interface Place {
  channelId: string;
  messageId: string | null;
}

/**
 * Who is typing where. A notice ends when its author says so, goes away, or has said nothing for a
 * while: the others are told, so that no client is left with somebody who types for ever.
 */
export class TypingNotices implements Disposable {
  readonly #io: RealtimeServer;
  /** sid → channel id → what ends the notice */
  readonly #typing = new Map<string, Map<string, { timer: number; end(): void }>>();

  constructor({ io }: TypingNoticesOptions) {
    this.#io = io;
  }

  /** Tells the others in the channel. The caller has seen that the socket is in its room. */
  noted(socket: RealtimeSocket, user: PublicUser, place: Place, isTyping: boolean): void {
    const sid = socket.id;
    this.#drop(sid, place.channelId);
    this.#tell(sid, user, place, isTyping);
    if (!isTyping) return;
    const end = () => {
      this.#drop(sid, place.channelId);
      this.#tell(sid, user, place, false);
    };
    const channels = this.#typing.get(sid) ?? new Map();
    channels.set(place.channelId, { timer: setTimeout(end, ENDS_AFTER_MS), end });
    this.#typing.set(sid, channels);
  }

  /** The session has gone, and types no more. */
  sessionGone(sid: string): void {
    for (const { end } of [...this.#typing.get(sid)?.values() ?? []]) end();
  }

  #drop(sid: string, channelId: string): void {
    const channels = this.#typing.get(sid);
    clearTimeout(channels?.get(channelId)?.timer);
    channels?.delete(channelId);
    if (channels?.size === 0) this.#typing.delete(sid);
  }

  #tell(sid: string, user: PublicUser, { channelId, messageId }: Place, typing: boolean): void {
    const notice: ChannelEvent = {
      channel_id: channelId,
      message_id: messageId,
      data: { type: "typing", data: { typing } },
      user,
    };
    this.#io.to(rooms.channel(channelId)).except(sid).emit("events:channel", notice);
  }

  [Symbol.dispose](): void {
    for (const channels of this.#typing.values()) {
      for (const { timer } of channels.values()) clearTimeout(timer);
    }
    this.#typing.clear();
  }
}
