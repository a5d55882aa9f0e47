import type { Api } from "../client/api.ts";
import type { ChannelChange, ChannelEventHandler } from "../client/channels.ts";
import { pagesOf } from "../client/pages.ts";
import type { Channel, ChannelMessage } from "../protocol/channel.ts";
import { announce, isInFront } from "./chat_hooks.ts";
import { Observable } from "./observable.ts";
import { authorOf } from "./post_author.ts";
import { addressOf } from "./route.ts";

/** A channel as lists show it. */
export interface ListedChannel extends Channel {
  unread_count?: number;
  users?: { id: string; name: string }[];
}

/** What a channel is called; a direct one by the others in it. */
export function titleOf(
  { name, users }: { name: string; users?: { id: string; name: string }[] | null },
  meId: string,
): string {
  const others = users?.filter(({ id }) => id !== meId).map((user) => user.name);
  return name || others?.join(", ") || "Direct message";
}

/** The channels in the sidebar, with what has not been read, as the server counts it. */
export class ChannelList implements Disposable {
  /** `undefined`: not loaded yet, or there are none on this server. */
  readonly channels = new Observable<readonly ListedChannel[] | undefined>(undefined);
  readonly unread = new Observable<ReadonlyMap<string, number>>(new Map());
  readonly #api: Api;
  readonly #end: () => void;
  /** Channels whose count changed while the server was being asked: its answer may be older. */
  readonly #changedMeanwhile = new Set<string>();
  #asking = 0;

  constructor(api: Api, handler: ChannelEventHandler) {
    this.#api = api;
    this.#end = handler.onChange((change) => this.#changed(change));
  }

  /** Never rejects: without a connection, what is known stays. */
  async reload(): Promise<void> {
    const counts = new Map<string, number>();
    await this.#ask(async () => {
      const found: ListedChannel[] = [];
      for await (const page of pagesOf<ListedChannel>(this.#api, "/api/v1/channels/")) {
        found.push(...page);
      }
      this.channels.value = found;
      for (const { id, unread_count = 0 } of found) counts.set(id, unread_count);
      this.unread.value = counts;
      for (const { id } of found) if (isInFront("channel", id)) this.seen(id);
    });
    this.channels.value ??= [];
  }

  seen(channelId: string): void {
    this.#count(channelId, 0);
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #changed(change: ChannelChange): void {
    const { channelId } = change;
    switch (change.type) {
      case "created":
      case "updated":
      case "other":
        return void this.reload();
      case "read":
        return change.isOwn ? this.seen(channelId) : undefined;
      case "deleted":
        // Whether it had been read is the server's to tell.
        return this.#of(channelId) > 0 ? void this.#recount(channelId) : undefined;
      case "message":
        return this.#said(channelId, change.message, change.isOwn);
    }
  }

  #said(channelId: string, message: ChannelMessage, isOwn: boolean): void {
    const isReply = Boolean(message.parent_id);
    // Who says something has read what was said before, at whichever device. Replies don't count.
    if (isOwn) return isReply ? undefined : this.seen(channelId);
    // A channel that is open to everybody is there without having been announced.
    if (!this.channels.value?.some(({ id }) => id === channelId)) {
      return void this.reload().then(() => this.#tellOf(channelId, message));
    }
    if (isInFront("channel", channelId)) return;
    if (!isReply) this.#count(channelId, this.#of(channelId) + 1);
    this.#tellOf(channelId, message);
  }

  #of(channelId: string): number {
    return this.unread.value.get(channelId) ?? 0;
  }

  #count(channelId: string, count: number): void {
    if (this.#asking > 0) this.#changedMeanwhile.add(channelId);
    if (this.#of(channelId) === count) return;
    this.unread.value = new Map(this.unread.value).set(channelId, count);
  }

  #recount(channelId: string): Promise<void> {
    return this.#ask(async () => {
      const path = `/api/v1/channels/${channelId}`;
      const { unread_count = 0 } = await this.#api<ListedChannel>("GET", path);
      this.unread.value = new Map(this.unread.value).set(channelId, unread_count);
    });
  }

  /** Asks the server, and once more for what changed on the way. Never rejects. */
  async #ask(question: () => Promise<void>): Promise<void> {
    this.#asking++;
    try {
      await question();
    } catch {
      // It is asked again when the connection is back.
      this.#changedMeanwhile.clear();
    }
    this.#asking--;
    if (this.#asking > 0) return;
    const changed = [...this.#changedMeanwhile];
    this.#changedMeanwhile.clear();
    for (const channelId of changed) await this.#recount(channelId);
  }

  #tellOf(channelId: string, message: ChannelMessage): void {
    const name = this.channels.value?.find(({ id }) => id === channelId)?.name ?? "a channel";
    const who = authorOf(message).name;
    announce(`${who} in ${name}: ${message.content.slice(0, 80)}`, addressOf("channel", channelId));
  }
}
