import type { ChannelMessage } from "../protocol/channel.ts";
import type { ListedChannel } from "../protocol/http_routes.ts";
import type { ChannelChange, ChannelEventHandler } from "./channels.ts";
import type { CaughtUp } from "./comeback.ts";
import { attempt } from "./listeners.ts";
import { type Readable, Store } from "./store.ts";

/** What there is of one's channels: a new object after each change. */
export interface ChannelListSnapshot {
  /** `undefined`: not loaded yet. */
  readonly channels: readonly ListedChannel[] | undefined;
  /** How many messages have not been read, by channel. */
  readonly unread: ReadonlyMap<string, number>;
}

/** What a page adds to the list; both are optional. */
export interface ChannelListOptions {
  /** Whether the person looks at the channel right now: what comes then is read. */
  isInFront?(channelId: string): boolean;
  /** Somebody has said something in a channel that is not in front. */
  onMessage?(said: { channel: ListedChannel | undefined; message: ChannelMessage }): void;
}

/** One's channels with what has not been read in each, as the server counts it. */
export class ChannelList implements Disposable, Readable<ChannelListSnapshot> {
  readonly #channels: ChannelEventHandler;
  readonly #options: ChannelListOptions;
  readonly #store = new Store<ChannelListSnapshot>({ channels: undefined, unread: new Map() });
  readonly #ends: (() => void)[];
  /** Channels whose count changed while the server was being asked: its answer may be older. */
  readonly #changedMeanwhile = new Set<string>();
  /** Up to which position the server has counted: what is heard later may be among it. */
  readonly #countedTo = new Map<string, number>();
  #asking = 0;

  /** Reads the list each time the connection is there. */
  constructor(channels: ChannelEventHandler, options: ChannelListOptions = {}) {
    this.#channels = channels;
    this.#options = options;
    const { connection } = channels;
    this.#ends = [
      channels.onChange((change) => this.#changed(change)),
      connection.onOnline(() => this.reload()),
    ];
  }

  /** What there is now. */
  get snapshot(): ChannelListSnapshot {
    return this.#store.snapshot;
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#store.subscribe(listener);

  /** Never rejects: without a connection, what is known stays. */
  async reload(): Promise<CaughtUp> {
    const caughtUp = await this.#ask(async () => {
      const found: ListedChannel[] = [];
      for await (const page of this.#api.pages("GET /api/v1/channels/")) found.push(...page);
      const unread = new Map(found.map(({ id, unread_count }) => [id, unread_count]));
      for (const one of found) this.#counted(one);
      this.#store.set({ channels: found, unread });
      for (const { id } of found) if (this.#isInFront(id)) this.seen(id);
    });
    if (!this.snapshot.channels) this.#store.set({ ...this.snapshot, channels: [] });
    return caughtUp;
  }

  /** Everything in the channel has been seen here. */
  seen(channelId: string): void {
    this.#count(channelId, 0);
  }

  /** Hears nothing of the channels any more. */
  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  get #api() {
    return this.#channels.connection.api;
  }

  #isInFront(channelId: string): boolean {
    return this.#options.isInFront?.(channelId) ?? false;
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
    if (!this.#find(channelId)) {
      return void this.reload().then(() => this.#tellOf(channelId, message));
    }
    if (this.#isInFront(channelId)) return;
    const isCounted = message.position <= (this.#countedTo.get(channelId) ?? 0);
    if (!isReply && !isCounted) this.#count(channelId, this.#of(channelId) + 1);
    this.#tellOf(channelId, message);
  }

  #find(channelId: string): ListedChannel | undefined {
    return this.snapshot.channels?.find(({ id }) => id === channelId);
  }

  #of(channelId: string): number {
    return this.snapshot.unread.get(channelId) ?? 0;
  }

  #put(channelId: string, count: number): void {
    const unread = new Map(this.snapshot.unread).set(channelId, count);
    this.#store.set({ ...this.snapshot, unread });
  }

  #count(channelId: string, count: number): void {
    if (this.#asking > 0) this.#changedMeanwhile.add(channelId);
    if (this.#of(channelId) !== count) this.#put(channelId, count);
  }

  #counted({ id, last_position }: Pick<ListedChannel, "id" | "last_position">): void {
    this.#countedTo.set(id, last_position ?? 0);
  }

  #recount(channelId: string): Promise<CaughtUp> {
    return this.#ask(async () => {
      const details = await this.#api("GET /api/v1/channels/{id}", { params: { id: channelId } });
      this.#counted(details);
      this.#put(channelId, details.unread_count);
    });
  }

  /** Asks the server, and once more for what changed on the way. Never rejects. */
  async #ask(question: () => Promise<void>): Promise<CaughtUp> {
    let caughtUp: CaughtUp = "whole";
    this.#asking++;
    try {
      await question();
    } catch {
      // It is asked again when the connection is back.
      this.#changedMeanwhile.clear();
      caughtUp = "failed";
    }
    this.#asking--;
    if (this.#asking > 0) return caughtUp;
    const changed = [...this.#changedMeanwhile];
    this.#changedMeanwhile.clear();
    for (const channelId of changed) await this.#recount(channelId);
    return caughtUp;
  }

  #tellOf(channelId: string, message: ChannelMessage): void {
    attempt(() => this.#options.onMessage?.({ channel: this.#find(channelId), message }));
  }
}
