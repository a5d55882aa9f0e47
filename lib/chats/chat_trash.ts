import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";
import type { ChatLists } from "./chat_lists.ts";
import { type ChatRecord, noSuchChat } from "./chat_record.ts";

/** Chats that one sweep deletes for good. */
const AT_ONCE = 200;
/** When a chat was deleted may have been written by another clock. */
const GRACE_SECONDS = 5;

export interface ChatTrashOptions {
  store: StateStore;
  lists: ChatLists;
  /** Deletes what a chat has, for good, once its record is gone; `undefined`: it was gone before. */
  erase(chatId: string, chat: ChatRecord | undefined): Promise<void>;
  /** Default: the system's. */
  clock?: Clock;
}

/**
 * Chats that were deleted and can still be brought back. The mark in the record counts: from then on
 * the chat is nobody's. It is noted before as one that has to go, so that whatever is cut short, the
 * sweep finds it.
 */
export class ChatTrash {
  readonly #options: Required<ChatTrashOptions>;

  constructor(options: ChatTrashOptions) {
    this.#options = { clock: systemClock, ...options };
  }

  /** Deletes the chat; it can be brought back for so long. @throws {AppError} `not_found` */
  async put(userId: string, chatId: string, keepSeconds: number): Promise<void> {
    const { store, lists, clock } = this.#options;
    await lists.require(userId, chatId);
    const deleted_at = unixSeconds(clock);
    await this.#index.put({ member: chatId, score: deleted_at + keepSeconds });
    await store.values.update<ChatRecord>(
      keys.chat(chatId),
      (chat) => chat && { ...chat, deleted_at },
    );
    await lists.remove(userId, chatId);
  }

  /** Brings the chat back, where it was. @throws {AppError} `not_found` when it is gone for good */
  async restore(userId: string, chatId: string): Promise<void> {
    const { store, lists } = this.#options;
    const record = await store.values.get<ChatRecord>(keys.chat(chatId));
    if (record?.user_id !== userId || record.deleted_at === undefined) throw noSuchChat();
    await lists.put(record);
    const restored = await store.values.update<ChatRecord>(keys.chat(chatId), (chat) => {
      if (!chat) return undefined;
      const { deleted_at: _, ...back } = chat;
      return back;
    });
    if (!restored) {
      await lists.remove(userId, chatId);
      throw noSuchChat();
    }
    await this.#index.remove(chatId);
  }

  /** Deletes for good what nobody has brought back in time. */
  sweepJob(everyMs: number): SweepJob {
    const { store, erase, clock } = this.#options;
    return {
      name: "deleted chats",
      lock: keys.deletedChatsLock,
      everyMs,
      sweep: async ({ signal }) => {
        const max = unixSeconds(clock) - GRACE_SECONDS;
        const { entries } = await this.#index.page({ max, limit: AT_ONCE });
        for (const { member } of entries) {
          if (signal.aborted) return;
          let gone: ChatRecord | undefined;
          const kept = await store.values.update<ChatRecord>(keys.chat(member), (chat) => {
            gone = chat?.deleted_at === undefined ? undefined : chat;
            return gone ? undefined : chat;
          });
          if (!kept) await erase(member, gone);
          await this.#index.remove(member);
        }
      },
    };
  }

  get #index() {
    return this.#options.store.sortedIndex(keys.deletedChats);
  }
}
