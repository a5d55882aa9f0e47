import type { Api } from "../client/api.ts";
import type { ChannelChange, ChannelEventHandler } from "../client/channels.ts";
import type { Channel, ChannelMessage } from "../protocol/channel.ts";
import { announce, isInFront } from "./chat_hooks.ts";
import { Observable } from "./observable.ts";
import { addressOf } from "./route.ts";

/** A channel as lists show it. */
export interface ListedChannel extends Channel {
  unread_count?: number;
  users?: { id: string; name: string }[];
}

/** The channels in the sidebar, with what has not been read. */
export class ChannelList implements Disposable {
  /** `undefined`: not loaded yet, or there are none on this server. */
  readonly channels = new Observable<readonly ListedChannel[] | undefined>(undefined);
  readonly unread = new Observable<ReadonlyMap<string, number>>(new Map());
  readonly #api: Api;
  readonly #end: () => void;

  constructor(api: Api, handler: ChannelEventHandler) {
    this.#api = api;
    this.#end = handler.onChange((change) => this.#changed(change));
  }

  async reload(): Promise<void> {
    const found = await this.#api<ListedChannel[]>("GET", "/api/v1/channels/").catch(() => []);
    this.channels.value = found;
    this.unread.value = new Map(
      found.flatMap(({ id, unread_count = 0 }) =>
        unread_count > 0 && !isInFront("channel", id) ? [[id, unread_count] as const] : []
      ),
    );
  }

  seen(channelId: string): void {
    if (!this.unread.value.has(channelId)) return;
    const unread = new Map(this.unread.value);
    unread.delete(channelId);
    this.unread.value = unread;
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #changed(change: ChannelChange): void {
    if (change.type === "created" || change.type === "other") return void this.reload();
    if (change.type === "read" && change.isOwn) return this.seen(change.channelId);
    if (change.type !== "message" || change.isOwn) return;
    const { channelId, message } = change;
    // A channel that is open to everybody is there without having been announced.
    if (!this.channels.value?.some(({ id }) => id === channelId)) {
      return void this.reload().then(() => this.#tellOf(channelId, message));
    }
    if (isInFront("channel", channelId)) return;
    this.unread.value = new Map(this.unread.value)
      .set(channelId, (this.unread.value.get(channelId) ?? 0) + 1);
    this.#tellOf(channelId, message);
  }

  #tellOf(channelId: string, message: ChannelMessage): void {
    const name = this.channels.value?.find(({ id }) => id === channelId)?.name ?? "a channel";
    const who = message.user?.name ?? "Somebody";
    announce(`${who} in ${name}: ${message.content.slice(0, 80)}`, addressOf("channel", channelId));
  }
}
