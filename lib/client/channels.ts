import type { Channel, ChannelEvent, ChannelMessage } from "../protocol/channel.ts";
import type { PayloadOf } from "../protocol/wire_events.ts";
import type { PublicUser, Viewer } from "../protocol/user.ts";
import type { Connection } from "./connection.ts";
import { Listeners } from "./listeners.ts";

/** What the types of `events:channel` mean to a page (docs/protocol.md, section 5). */
export type ChannelChange =
  | { type: "message"; channelId: string; message: ChannelMessage; isOwn: boolean }
  | { type: "changed"; channelId: string; message: ChannelMessage }
  | { type: "deleted"; channelId: string; messageId: string }
  | { type: "typing"; channelId: string; threadId: string | undefined; users: PublicUser[] }
  | { type: "viewers"; channelId: string; users: readonly Viewer[]; total: number }
  | { type: "created"; channelId: string; channel: Channel | undefined }
  | { type: "updated"; channelId: string }
  | { type: "read"; channelId: string; isOwn: boolean }
  | { type: "other"; channelId: string; name: string };

/** All of it is optional. */
export interface ChannelEventHandlerOptions {
  /** Who one is oneself. Default: as the server says it. */
  userId?: string | undefined;
}

/** Somebody who has not typed for this long has stopped. */
const TYPING_SHOWN_MS = 5_000;
/** Between two signs of one's own typing. */
const TYPING_EVERY_MS = 2_000;

interface Typist {
  user: PublicUser;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Handles `events:channel` (docs/protocol.md, section 5): messages, who is typing, and what has been read.
 *
 * @example
 * ```ts
 * import { channelEventHandler, connect } from "webui-realtime-client";
 *
 * using connection = connect({ url: "http://localhost:8080", token: "…" });
 * using channels = channelEventHandler(connection);
 * channels.onChange((change) => {
 *   if (change.type === "message" && !change.isOwn) console.log(change.message.content);
 *   if (change.type === "typing") console.log(change.users.map(({ name }) => name), "typing");
 * });
 * channels.typing("a-channel");
 * ```
 */
export function channelEventHandler(
  connection: Connection,
  options: ChannelEventHandlerOptions = {},
): ChannelEventHandler {
  return new ChannelEventHandler(connection, options);
}

/** What {@linkcode channelEventHandler} makes. */
export class ChannelEventHandler implements Disposable {
  /** The connection that it was made for. */
  readonly connection: Connection;
  readonly #userId: string | undefined;
  readonly #changes = new Listeners<ChannelChange>();
  readonly #ends: (() => void)[];
  /** By channel and thread. */
  readonly #typists = new Map<string, Map<string, Typist>>();
  #typedAtMs = -Infinity;

  /** {@linkcode channelEventHandler} is the way to it. */
  constructor(connection: Connection, { userId }: ChannelEventHandlerOptions = {}) {
    this.connection = connection;
    this.#userId = userId;
    this.#ends = [
      connection.on("events:channel", (event) => this.#handle(event)),
    ];
  }

  /** Who one is oneself, once that is known. */
  get userId(): string | undefined {
    return this.#userId ?? this.connection.user?.id;
  }

  /** Hears what happens in all channels. Returns the end. */
  onChange(listener: (change: ChannelChange) => void): () => void {
    return this.#changes.add(listener);
  }

  /** Joins the rooms of all channels again: one has been added. */
  join(): void {
    this.connection.send("join-channels", {});
  }

  /** Says that one is typing; call it at each key. */
  typing(channelId: string, threadId?: string): void {
    const now = performance.now();
    if (now - this.#typedAtMs < TYPING_EVERY_MS) return;
    this.#typedAtMs = now;
    this.#tell(channelId, { type: "typing", data: { typing: true } }, threadId);
  }

  /** Says that one has stopped typing. */
  stoppedTyping(channelId: string, threadId?: string): void {
    if (this.#typedAtMs === -Infinity) return;
    this.#typedAtMs = -Infinity;
    this.#tell(channelId, { type: "typing", data: { typing: false } }, threadId);
  }

  /** Notes that everything in the channel has been seen. */
  markRead(channelId: string): void {
    this.#tell(channelId, { type: "last_read_at" });
  }

  /** Hears nothing any more; the connection stays open. */
  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
    for (const typists of this.#typists.values()) {
      for (const { timer } of typists.values()) clearTimeout(timer);
    }
    this.#typists.clear();
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  #tell(
    channelId: string,
    data: PayloadOf<"events:channel">["data"],
    threadId?: string,
  ): void {
    this.connection.send("events:channel", {
      channel_id: channelId,
      ...(threadId !== undefined && { message_id: threadId }),
      data,
    });
  }

  #handle({ channel_id: channelId, message_id: messageId, data, user, channel }: ChannelEvent) {
    const isOwn = user !== undefined && user.id === this.userId;
    switch (data.type) {
      case "message": {
        const message = data.data;
        const isModels = typeof message.meta?.model_id === "string";
        if (user && !isModels) this.#typed(channelId, message.parent_id ?? undefined, user, false);
        return this.#changes.tell({
          type: "message",
          channelId,
          message,
          isOwn: isOwn && !isModels,
        });
      }
      // Not what was said, which comes by itself: the beginning of its thread, counted anew.
      case "message:reply":
      case "message:update":
      case "message:reaction:add":
      case "message:reaction:remove":
        return this.#changes.tell({ type: "changed", channelId, message: data.data });
      case "message:delete":
        if (messageId) this.#changes.tell({ type: "deleted", channelId, messageId });
        return;
      case "typing": {
        if (!user || isOwn) return;
        // A notice that says no more than its type means that somebody types.
        this.#typed(channelId, messageId ?? undefined, user, data.data?.typing ?? true);
        return;
      }
      case "channel:presence":
        return this.#changes.tell({ type: "viewers", channelId, ...data.data });
      case "channel:created":
        return this.#changes.tell({ type: "created", channelId, channel });
      case "channel:updated":
        return this.#changes.tell({ type: "updated", channelId });
      case "last_read_at":
        return this.#changes.tell({ type: "read", channelId, isOwn });
      default:
        // An instance of another version may know more.
        return this.#changes.tell({
          type: "other",
          channelId,
          name: (data as { type: string }).type,
        });
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
