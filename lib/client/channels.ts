import type { Channel, ChannelEvent, ChannelMessage } from "../protocol/channel.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { Connection } from "./connection.ts";
import { Listeners } from "./listeners.ts";

/** What the types of `events:channel` mean to a page (protocol, section 5). */
export type ChannelChange =
  | { type: "message"; channelId: string; message: ChannelMessage; isOwn: boolean }
  | { type: "changed"; channelId: string; message: ChannelMessage }
  | { type: "deleted"; channelId: string; messageId: string }
  | { type: "typing"; channelId: string; threadId: string | undefined; users: PublicUser[] }
  | { type: "created"; channelId: string; channel: Channel | undefined }
  | { type: "read"; channelId: string; isOwn: boolean }
  | { type: "other"; channelId: string; name: string };

export interface ChannelHandlerOptions {
  /** Who one is oneself. */
  userId: string;
}

/** Somebody who has not typed for this long has stopped. */
const TYPING_SHOWN_MS = 5_000;
/** Between two signs of one's own typing. */
const TYPING_EVERY_MS = 2_000;

interface Typist {
  user: PublicUser;
  timer: ReturnType<typeof setTimeout>;
}

/** `events:channel`: messages, who is typing, and what has been read. */
export class ChannelHandler implements Disposable {
  readonly #connection: Connection;
  readonly #userId: string;
  readonly #changes = new Listeners<ChannelChange>();
  readonly #ends: (() => void)[];
  /** By channel and thread. */
  readonly #typists = new Map<string, Map<string, Typist>>();
  #typedAtMs = -Infinity;

  constructor(connection: Connection, { userId }: ChannelHandlerOptions) {
    this.#connection = connection;
    this.#userId = userId;
    this.#ends = [
      connection.on<ChannelEvent>("events:channel", (event) => this.#handle(event)),
    ];
  }

  onChange(listener: (change: ChannelChange) => void): () => void {
    return this.#changes.add(listener);
  }

  /** Joins the rooms of all channels again: one has been added. */
  join(token: string): void {
    this.#connection.send("join-channels", { auth: { token } });
  }

  /** Says that one is typing; call it at each key. */
  typing(channelId: string, threadId?: string): void {
    const now = performance.now();
    if (now - this.#typedAtMs < TYPING_EVERY_MS) return;
    this.#typedAtMs = now;
    this.#tell(channelId, { type: "typing", data: { typing: true } }, threadId);
  }

  stoppedTyping(channelId: string, threadId?: string): void {
    if (this.#typedAtMs === -Infinity) return;
    this.#typedAtMs = -Infinity;
    this.#tell(channelId, { type: "typing", data: { typing: false } }, threadId);
  }

  /** Notes that everything in the channel has been seen. */
  markRead(channelId: string): void {
    this.#tell(channelId, { type: "last_read_at" });
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
    for (const typists of this.#typists.values()) {
      for (const { timer } of typists.values()) clearTimeout(timer);
    }
    this.#typists.clear();
  }

  #tell(channelId: string, data: object, threadId?: string): void {
    this.#connection.send("events:channel", {
      channel_id: channelId,
      ...(threadId !== undefined && { message_id: threadId }),
      data,
    });
  }

  #handle({ channel_id: channelId, message_id: messageId, data, user, channel }: ChannelEvent) {
    const isOwn = user?.id === this.#userId;
    const message = data.data as ChannelMessage;
    switch (data.type) {
      case "message":
      case "message:reply": {
        if (user) this.#typed(channelId, message.parent_id ?? undefined, user, false);
        return this.#changes.tell({ type: "message", channelId, message, isOwn });
      }
      case "message:update":
      case "message:reaction:add":
      case "message:reaction:remove":
        return this.#changes.tell({ type: "changed", channelId, message });
      case "message:delete":
        if (messageId) this.#changes.tell({ type: "deleted", channelId, messageId });
        return;
      case "typing": {
        const { typing = true } = (data.data ?? {}) as { typing?: boolean };
        if (user && !isOwn) this.#typed(channelId, messageId ?? undefined, user, typing);
        return;
      }
      case "channel:created":
        return this.#changes.tell({ type: "created", channelId, channel });
      case "last_read_at":
        return this.#changes.tell({ type: "read", channelId, isOwn });
      default:
        return this.#changes.tell({ type: "other", channelId, name: data.type });
    }
  }

  #typed(channelId: string, threadId: string | undefined, user: PublicUser, isTyping: boolean) {
    const key = `${channelId}/${threadId ?? ""}`;
    const typists = this.#typists.get(key) ?? new Map<string, Typist>();
    clearTimeout(typists.get(user.id)?.timer);
    if (isTyping) {
      const timer = setTimeout(
        () => this.#typed(channelId, threadId, user, false),
        TYPING_SHOWN_MS,
      );
      typists.set(user.id, { user, timer });
    } else if (!typists.delete(user.id)) return;
    if (typists.size > 0) this.#typists.set(key, typists);
    else this.#typists.delete(key);
    const users = [...typists.values()].map((typist) => typist.user);
    this.#changes.tell({ type: "typing", channelId, threadId, users });
  }
}
