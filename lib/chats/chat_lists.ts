import { AppError } from "../common/errors.ts";
import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import type { ChatSummary } from "../protocol/chat.ts";
import { keys, unchecked } from "../state/key_space.ts";
import type {
  IndexEntry,
  IndexPageOptions,
  SortedIndex,
  StateStore,
} from "../state/state_store.ts";
import { type ChatRecord, noSuchChat, summaryOf } from "./chat_record.ts";

/** An entry of a list without a record is a chat that is being made, or what is left of one. */
const MAKING_SECONDS = 60;
/** Chats that one user may pin: all of them are shown at once. */
const MAX_PINS = 100;

type PageOptions = Pick<IndexPageOptions, "limit" | "cursor">;

/** The lists of each user's chats: all, by the last change, and those that are pinned. */
export class ChatLists {
  readonly #store: StateStore;
  readonly #clock: Clock;

  constructor(store: StateStore, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The user's chats, last changed first, without their messages. */
  async page(
    userId: string,
    options: PageOptions = {},
  ): Promise<{ chats: ChatSummary[]; cursor: string | undefined }> {
    const { entries, cursor } = await this.of(userId).page({ ...options, descending: true });
    const records = await this.#records(entries.map(({ member }) => member));
    await this.#dropRemains(userId, entries.filter((_, at) => records[at] === undefined));
    return { chats: shown(userId, records), cursor };
  }

  /** Those with these ids, in their order; what is gone, or somebody else's, is left out. */
  async summaries(userId: string, ids: readonly string[]): Promise<ChatSummary[]> {
    return shown(userId, await this.#records(ids));
  }

  /** The pinned chats, the last pinned first. */
  async pinned(userId: string): Promise<ChatSummary[]> {
    const { entries } = await this.#pins(userId).page({ limit: MAX_PINS, descending: true });
    const chats = await this.summaries(userId, entries.map(({ member }) => member));
    return chats.filter(({ pinned }) => pinned);
  }

  /**
   * Pins the chat, or (`false`) takes the pin away; without `pinned` the other of what it is. Does not
   * move it in the list.
   *
   * @throws {AppError} `not_found`; `too_large` when as many are pinned as may be
   */
  async pin(userId: string, chatId: string, pinned?: boolean): Promise<ChatSummary> {
    const before = await this.require(userId, chatId);
    const isPinned = pinned ?? !before.pinned;
    const pins = this.#pins(userId);
    if (isPinned && !before.pinned) {
      if (await pins.count({ limit: MAX_PINS }) >= MAX_PINS) {
        throw new AppError(
          "too_large",
          `At most ${MAX_PINS} chats can be pinned: unpin one first.`,
        );
      }
      await pins.put({ member: chatId, score: unixSeconds(this.#clock) });
    }
    const after = await this.mark(userId, chatId, { pinned: isPinned });
    if (!isPinned) await pins.remove(chatId);
    return after;
  }

  /** Stores when the user last read the chat; does not move it in the list. */
  async markRead(userId: string, chatId: string): Promise<ChatSummary & { last_read_at: number }> {
    await this.require(userId, chatId);
    const last_read_at = unixSeconds(this.#clock);
    return { ...await this.mark(userId, chatId, { last_read_at, unread: false }), last_read_at };
  }

  /** Changes what lists show of the chat, and does not move it. @throws {AppError} `not_found` */
  async mark(
    userId: string,
    chatId: string,
    marks: Partial<Pick<ChatRecord, "last_read_at" | "pinned" | "unread">>,
  ): Promise<ChatSummary> {
    const chat = await this.#store.values.update<ChatRecord>(
      keys.chat(chatId),
      (chat) => chat && { ...chat, ...marks },
    );
    if (chat?.user_id !== userId) throw noSuchChat();
    return summaryOf(chat);
  }

  /** @throws {AppError} `not_found` for a chat that is gone, or somebody else's */
  async require(userId: string, chatId: string): Promise<ChatRecord> {
    const record = await this.#store.values.get<ChatRecord>(keys.chat(chatId));
    if (record?.user_id !== userId || record.deleted_at !== undefined) throw noSuchChat();
    return record;
  }

  /** The chat is in the list, as of this time; and among the pinned, where it is. */
  async put({ id, user_id, updated_at, pinned }: ChatRecord): Promise<void> {
    await this.of(user_id).put({ member: id, score: updated_at });
    if (pinned) await this.#pins(user_id).put({ member: id, score: updated_at });
  }

  /** The chat is in no list any more. */
  async remove(userId: string, chatId: string): Promise<void> {
    await this.of(userId).remove(chatId);
    await this.#pins(userId).remove(chatId);
  }

  of(userId: string): SortedIndex {
    return this.#store.sortedIndex(keys.userChats(userId));
  }

  #pins(userId: string): SortedIndex {
    return this.#store.sortedIndex(keys.userPins(userId));
  }

  #records(ids: readonly string[]): Promise<(ChatRecord | undefined)[]> {
    return this.#store.values.getMany<ChatRecord>(ids.map(keys.chat));
  }

  async #dropRemains(userId: string, entries: IndexEntry[]): Promise<void> {
    const oldest = unixSeconds(this.#clock) - MAKING_SECONDS;
    const old = entries.filter(({ score }) => score < oldest).map(({ member }) => member);
    if (old.length === 0) return;
    const found = await this.#store.values.getMany(old.map((id) => unchecked(keys.chat(id))));
    await this.of(userId).remove(...old.filter((_, at) => found[at] === undefined));
  }
}

const shown = (userId: string, records: readonly (ChatRecord | undefined)[]): ChatSummary[] =>
  records
    .filter((record) => record !== undefined)
    .filter(({ user_id, deleted_at }) => user_id === userId && deleted_at === undefined)
    .map(summaryOf);
