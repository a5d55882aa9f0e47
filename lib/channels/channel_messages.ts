import { type Clock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import type { MessageBody, StoredMessage } from "../protocol/channel.ts";
import { keys } from "../state/key_space.ts";
import { UserQuotas } from "../quotas/user_quotas.ts";
import type { Dictionary, SortedIndex, StateStore } from "../state/state_store.ts";
import { giveBack, holdingsOf, sizeOf } from "./post_holdings.ts";
import { justAfter, risingClock } from "./rising_clock.ts";
import { ReadMarks } from "./read_marks.ts";

export interface MessagePaging {
  limit: number;
  cursor?: string;
  /** How many entries to pass over first; a cursor is the better way to a page far down. */
  skip?: number;
}

export interface MessagePage {
  messages: StoredMessage[];
  cursor: string | undefined;
}

/** Different reactions of one message. */
const MAX_REACTIONS = 64;
const MAX_COUNTED = 1_000;
const PAGE = 200;

const noSuchMessage = () => new AppError("not_found", "There is no such message.");

/**
 * What is said in channels. A message is one entry; the orders in which it is found (of the channel
 * or its thread, of the pins) are hints. Nothing here asks who may: `ChannelStore` has been asked.
 */
export class ChannelMessages {
  readonly reads: ReadMarks;
  readonly #store: StateStore;
  readonly #clock: Clock;
  readonly #position: () => number;
  readonly #quotas: UserQuotas;

  constructor(store: StateStore, clock: Clock, quotas = new UserQuotas(store)) {
    this.#quotas = quotas;
    this.#store = store;
    this.#clock = clock;
    this.#position = risingClock(clock);
    this.reads = new ReadMarks(store);
  }

  /**
   * Adds a message; its author has read up to it. The round trips don't depend on the members.
   *
   * @throws {AppError} `not_found` for a parent or a message replied to that is not in the channel;
   * `too_large` when its author has posted as much as one may
   */
  async post(channelId: string, userId: string, body: MessageBody): Promise<StoredMessage> {
    const { parent_id = null, reply_to_id = null } = body;
    const referred = [parent_id, reply_to_id].filter((id) => id !== null);
    const [parent] = await Promise.all(referred.map((id) => this.get(channelId, id)));
    if (parent_id !== null && parent?.parent_id) {
      throw new AppError("invalid_payload", "parent_id: is itself in a thread");
    }
    const now = unixSeconds(this.#clock);
    const message: StoredMessage = {
      id: crypto.randomUUID(),
      user_id: userId,
      channel_id: channelId,
      reply_to_id,
      parent_id,
      is_pinned: false,
      pinned_at: null,
      pinned_by: null,
      content: body.content,
      data: body.data ?? null,
      meta: body.meta ?? null,
      created_at: now,
      updated_at: now,
      position: this.#position(),
      reactions: {},
    };
    await this.#list(message);
    await this.#messages(channelId).set(message.id, message);
    await Promise.all([
      parent_id === null
        ? this.reads.set(channelId, userId, { at: now, position: message.position })
        : this.#change(channelId, parent_id, (one) => ({ ...one, has_replies: true })),
    ]);
    return message;
  }

  /** @throws {AppError} `not_found` */
  async get(channelId: string, messageId: string): Promise<StoredMessage> {
    const message = await this.#messages(channelId).get(messageId);
    if (!message) throw noSuchMessage();
    return message;
  }

  /** Those of the messages that are there. */
  async getMany(channelId: string, ids: readonly string[]): Promise<StoredMessage[]> {
    if (ids.length === 0) return [];
    const found = await this.#messages(channelId).getMany(ids);
    return found.filter((message) => message !== undefined);
  }

  /** What was said outside of threads, the newest first. */
  page(channelId: string, paging: MessagePaging): Promise<MessagePage> {
    return this.#pageOf(channelId, this.#order(channelId), paging);
  }

  /** A thread, the newest first, without the message that began it. */
  thread(channelId: string, messageId: string, paging: MessagePaging): Promise<MessagePage> {
    return this.#pageOf(channelId, this.#thread(channelId, messageId), paging);
  }

  /** The pinned messages, the last pinned first. */
  async pinned(channelId: string, paging: MessagePaging): Promise<MessagePage> {
    const page = await this.#pageOf(channelId, this.#pins(channelId), paging);
    return { ...page, messages: page.messages.filter(({ is_pinned }) => is_pinned) };
  }

  /** How many replies there are, counted up to 1,000, and when the last one came. */
  async replies(
    { channel_id, id, has_replies }: StoredMessage,
  ): Promise<{ reply_count: number; latest_reply_at: number | null }> {
    if (!has_replies) return { reply_count: 0, latest_reply_at: null };
    const thread = this.#thread(channel_id, id);
    const [reply_count, { entries: [last] }] = await Promise.all([
      thread.count({ limit: MAX_COUNTED }),
      thread.page({ limit: 1, descending: true }),
    ]);
    return { reply_count, latest_reply_at: last ? Math.floor(last.score / 1000) : null };
  }

  /**
   * The messages outside of threads behind what the user has read, counted up to `limit`, and to the
   * last of now: who hears of one that came meanwhile can tell whether it was counted.
   */
  async unread(channelId: string, userId: string, limit: number) {
    const [mark, last_position] = await Promise.all([
      this.reads.get(channelId, userId),
      this.#lastPosition(channelId),
    ]);
    const min = justAfter(mark?.position ?? 0);
    const max = last_position ?? 0;
    return {
      unread_count: min > max ? 0 : await this.#order(channelId).count({ limit, min, max }),
      last_read_at: mark?.at ?? null,
      last_read_position: mark?.position ?? null,
      last_position,
    };
  }

  /** The user has read everything up to now. */
  async markRead(channelId: string, userId: string): Promise<number> {
    const position = await this.#lastPosition(channelId) ?? 0;
    const at = unixSeconds(this.#clock);
    await this.reads.set(channelId, userId, { at, position });
    return at;
  }

  async #lastPosition(channelId: string): Promise<number | null> {
    const { entries: [last] } = await this.#order(channelId).page({ limit: 1, descending: true });
    return last?.score ?? null;
  }

  /** @throws {AppError} `too_large` for somebody who has posted as much as one may: nothing grows then */
  requireRoom(userId: string): Promise<void> {
    return this.#quotas.requireRoom(userId, "post_bytes");
  }

  /** @throws {AppError} `not_found` */
  edit(
    channelId: string,
    messageId: string,
    { content, data, meta }: Pick<MessageBody, "content" | "data" | "meta">,
  ): Promise<StoredMessage> {
    return this.change(channelId, messageId, (message) => ({
      ...message,
      content,
      data: data ? { ...message.data, ...data } : message.data,
      meta: meta ? { ...message.meta, ...meta } : message.meta,
    }));
  }

  /** Changes what a message says, as one atomic step. @throws {AppError} `not_found` */
  change(
    channelId: string,
    messageId: string,
    change: (message: StoredMessage) => StoredMessage,
  ): Promise<StoredMessage> {
    const updated_at = unixSeconds(this.#clock);
    return this.#change(channelId, messageId, (now) => ({ ...change(now), updated_at }));
  }

  /** @throws {AppError} `not_found`; `too_large` for one reaction too many */
  react(
    channelId: string,
    messageId: string,
    { userId, name, isAdded }: { userId: string; name: string; isAdded: boolean },
  ): Promise<StoredMessage> {
    return this.#change(channelId, messageId, (message) => {
      // Entries, because a name may be that of what every object has.
      const all = new Map(Object.entries(message.reactions));
      const before = all.get(name) ?? [];
      const users = before.filter((id) => id !== userId);
      if (isAdded) users.push(userId);
      if (users.length === 0) all.delete(name);
      else all.set(name, users);
      if (all.size > MAX_REACTIONS) {
        throw new AppError("too_large", `A message has at most ${MAX_REACTIONS} reactions.`);
      }
      return { ...message, reactions: Object.fromEntries(all) };
    });
  }

  /** @throws {AppError} `not_found` */
  async pin(
    channelId: string,
    messageId: string,
    { userId, isPinned }: { userId: string; isPinned: boolean },
  ): Promise<StoredMessage> {
    await this.get(channelId, messageId);
    if (isPinned) await this.#pins(channelId).put({ member: messageId, score: this.#position() });
    const pinned_at = isPinned ? unixSeconds(this.#clock) : null;
    const message = await this.#change(channelId, messageId, (now) => ({
      ...now,
      is_pinned: isPinned,
      pinned_at,
      pinned_by: isPinned ? userId : null,
    }));
    if (!isPinned) await this.#pins(channelId).remove(messageId);
    return message;
  }

  /** Deletes the message and the thread that it began. */
  async delete(message: StoredMessage): Promise<void> {
    const { channel_id, id } = message;
    await this.#messages(channel_id).delete(id);
    await Promise.all([
      giveBack(this.#quotas, [message]),
      this.#orderOf(message).remove(id),
      this.#pins(channel_id).remove(id),
      ...(message.has_replies ? [this.#clearThread(channel_id, id)] : []),
    ]);
  }

  /** Deletes everything that was said in the channel. */
  async clear(channelId: string): Promise<void> {
    for await (const page of this.#messages(channelId).scan({ pageSize: PAGE })) {
      // A reply may have outlived the message that began its thread.
      const threads = page.map(([id, message]) => message.has_replies ? id : message.parent_id);
      const ids = new Set(threads.filter((id) => id !== null));
      await Promise.all([...ids].map((id) => this.#thread(channelId, id).clear()));
      await this.#messages(channelId).delete(...page.map(([id]) => id));
      await giveBack(this.#quotas, page.map(([, message]) => message));
    }
    await this.#messages(channelId).clear();
    await Promise.all([
      this.#order(channelId).clear(),
      this.#pins(channelId).clear(),
      this.reads.clear(channelId),
    ]);
  }

  async #clearThread(channelId: string, messageId: string): Promise<void> {
    const thread = this.#thread(channelId, messageId);
    while (true) {
      const { entries } = await thread.page({ limit: PAGE });
      if (entries.length === 0) return;
      const ids = entries.map(({ member }) => member);
      await giveBack(this.#quotas, await this.getMany(channelId, ids));
      await this.#messages(channelId).delete(...ids);
      await Promise.all([thread.remove(...ids), this.#pins(channelId).remove(...ids)]);
    }
  }

  async #change(
    channelId: string,
    messageId: string,
    change: (message: StoredMessage) => StoredMessage,
  ): Promise<StoredMessage> {
    let before = 0;
    const changed = await this.#messages(channelId).update(messageId, (message) => {
      if (!message) return undefined;
      before = sizeOf(message);
      return change(message);
    });
    if (!changed) throw noSuchMessage();
    await this.#quotas.count(changed.user_id, { post_bytes: sizeOf(changed) - before });
    return changed;
  }

  /** Counts the message and gives it its place, in one round trip. @throws {AppError} `too_large` */
  async #list(message: StoredMessage): Promise<void> {
    const order = this.#orderOf(message);
    const [taken, placed] = await Promise.allSettled([
      this.#quotas.take(message.user_id, holdingsOf(message)),
      order.put({ member: message.id, score: message.position }),
    ]);
    if (taken.status === "rejected") {
      // A place is a hint: one that stays, because the store is away, leads to nothing.
      await order.remove(message.id).catch(() => {});
      throw taken.reason;
    }
    if (placed.status === "rejected") throw placed.reason;
  }

  async #pageOf(
    channelId: string,
    index: SortedIndex,
    { skip = 0, ...paging }: MessagePaging,
  ): Promise<MessagePage> {
    if (skip > 0) {
      const skipped = await index.page({ ...paging, limit: skip, descending: true });
      if (skipped.cursor === undefined) return { messages: [], cursor: undefined };
      paging.cursor = skipped.cursor;
    }
    const { entries, cursor } = await index.page({ ...paging, descending: true });
    return {
      messages: await this.getMany(channelId, entries.map(({ member }) => member)),
      cursor,
    };
  }

  #messages(channelId: string): Dictionary<StoredMessage> {
    return this.#store.dictionary<StoredMessage>(keys.channelMessages(channelId));
  }

  #orderOf({ channel_id, parent_id }: StoredMessage): SortedIndex {
    return parent_id === null ? this.#order(channel_id) : this.#thread(channel_id, parent_id);
  }

  #order(channelId: string): SortedIndex {
    return this.#store.sortedIndex(keys.channelOrder(channelId));
  }

  #thread(channelId: string, messageId: string): SortedIndex {
    return this.#store.sortedIndex(keys.channelThread(channelId, messageId));
  }

  #pins(channelId: string): SortedIndex {
    return this.#store.sortedIndex(keys.channelPins(channelId));
  }
}
