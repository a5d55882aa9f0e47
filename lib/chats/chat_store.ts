import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import type { Chat, ChatBody, ChatMessage, ChatSummary } from "../protocol/chat.ts";
import { jsonLength } from "../common/encode_in_turns.ts";
import { negative, storedSize, UserQuotas } from "../quotas/user_quotas.ts";
import { keys, unchecked } from "../state/key_space.ts";
import type { IndexPageOptions, StateStore } from "../state/state_store.ts";
import { ChatLists } from "./chat_lists.ts";
import { ChatMessages, type Merged, requireRoom } from "./chat_messages.ts";
import { type ChatRecord, counted, holdingsOf, join, noSuchChat, split } from "./chat_record.ts";
import { ChatSearch } from "./chat_search.ts";
import { ChatTrash } from "./chat_trash.ts";
import { readSeen } from "./knowledge.ts";
import { asTree } from "./message_tree.ts";

/** How many of a user's chats are looked up at once to be deleted. */
const CHATS_PAGE = 50;

/**
 * Chats and their messages. A chat is one value and each of its messages an entry of its own, so
 * that an answer that grows never rewrites the chat, and writers of different messages never meet.
 *
 * Every method that takes a `userId` answers `not_found` for a chat of somebody else: a stranger
 * does not learn that it exists.
 *
 * A chat is deleted record first, messages next. Who makes a message looks for the record after it
 * has written, so that whichever comes last takes the message away.
 */
export class ChatStore {
  readonly #store: StateStore;
  readonly #clock: Clock;
  readonly #quotas: UserQuotas;
  readonly lists: ChatLists;
  readonly search: ChatSearch;
  readonly trash: ChatTrash;

  constructor(store: StateStore, clock: Clock = systemClock, quotas = new UserQuotas(store)) {
    this.#store = store;
    this.#clock = clock;
    this.#quotas = quotas;
    const lists = this.lists = new ChatLists(store, clock);
    this.search = new ChatSearch(store, clock);
    const erase = (chatId: string, chat?: ChatRecord) => this.#erase(chatId, chat);
    this.trash = new ChatTrash({ store, lists, clock, erase });
  }

  async create(userId: string, body: ChatBody): Promise<Chat> {
    const now = unixSeconds(this.#clock);
    const id = crypto.randomUUID();
    const { record, messages } = split(body);
    const chat: ChatRecord = {
      id,
      user_id: userId,
      title: body.title ?? "New Chat",
      chat: record,
      created_at: now,
      updated_at: now,
      version: 1,
      size: Object.keys(messages).length,
      bytes: await jsonLength(body),
    };
    requireRoom(Object.keys(messages).length);
    await this.#quotas.take(userId, holdingsOf(chat));
    await this.lists.put(chat);
    await this.search.replace(userId, id, {
      title: chat.title,
      messages: Object.values(messages),
    });
    await this.#messages(id).setFirst(messages);
    await this.#store.values.set(keys.chat(id), chat);
    return await this.get(userId, id);
  }

  /** The chat with all its messages. */
  async get(userId: string, chatId: string): Promise<Chat> {
    // The record first: whatever came with its version is there when the messages are read.
    const record = await this.#require(userId, chatId);
    return join(record, await this.#messages(chatId).inOrder());
  }

  /** The chat without its messages: cheap, whatever has been said in it. */
  async summary(
    userId: string,
    chatId: string,
  ): Promise<{ title: string; currentId: string | null }> {
    const { title, chat } = await this.#require(userId, chatId);
    return { title, currentId: chat.history?.currentId ?? null };
  }

  /** The user's chats, last changed first, without their messages. */
  page(
    userId: string,
    options: Pick<IndexPageOptions, "limit" | "cursor"> = {},
  ): Promise<{ chats: ChatSummary[]; cursor: string | undefined }> {
    return this.lists.page(userId, options);
  }

  /**
   * Changes what the body names. The messages of a history are merged into those that are there: what
   * is left out is deleted only if the history says (`seen`) that it was known, and a copy that is
   * older than what is stored changes nothing (decision record 22).
   */
  async update(userId: string, chatId: string, body: ChatBody): Promise<Chat> {
    const { version = 0, deleted } = await this.#require(userId, chatId);
    const { record, messages } = split(body);
    const stored = this.#messages(chatId);
    let merged: Merged = { added: [], edited: [], deleted: [] };
    await this.#quotas.requireRoom(userId, "chat_bytes", "messages");
    if (body.history?.messages) {
      const knowledge = readSeen(body.history.seen, { chatId, version });
      merged = await stored.merge(messages, { knowledge, gone: new Set(deleted) });
      await this.#requireStill(chatId);
    }
    const isNewTo = [...merged.added, ...merged.edited];
    await this.search.add(userId, chatId, {
      title: body.title,
      texts: isNewTo.map((id) => messages[id]?.content ?? ""),
    });
    let before: ChatRecord | undefined;
    const changed = await this.#change(userId, chatId, (chat) => ({
      ...counted(before = chat, merged),
      title: body.title ?? chat.title,
      chat: {
        ...chat.chat,
        ...record,
        ...(record.history && { history: { ...chat.chat.history, ...record.history } }),
      },
    }));
    await stored.stamp(merged, changed.version ?? 0);
    await this.#grew(userId, chatId, {
      bytes: (merged.bytes ?? 0) + await jsonLength(changed.chat) - await jsonLength(before?.chat),
      messages: (changed.size ?? 0) - (before?.size ?? 0),
    });
    const chat = await this.get(userId, chatId);
    // What was said once is not found any more.
    if (merged.edited.length + merged.deleted.length > 0) {
      const said = Object.values(chat.chat.history?.messages ?? {});
      await this.search.replace(userId, chatId, { title: chat.title, messages: said });
    }
    return chat;
  }

  async delete(userId: string, chatId: string): Promise<void> {
    await this.#require(userId, chatId);
    await this.#remove(userId, chatId);
  }

  /**
   * Deletes the chats of a user who is gone, one after another until the signal is aborted; says
   * whether none is left. What fails half-way is done by the next call.
   */
  async deleteAll(userId: string, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const { entries } = await this.lists.of(userId).page({ limit: CHATS_PAGE });
      if (entries.length === 0) return true;
      for (const { member } of entries) {
        if (signal.aborted) return false;
        await this.#remove(userId, member);
      }
    }
    return false;
  }

  async setTitle(userId: string, chatId: string, title: string): Promise<void> {
    await this.search.add(userId, chatId, { title });
    await this.#change(userId, chatId, (chat) => ({
      ...chat,
      title,
      chat: { ...chat.chat, title },
    }));
  }

  /** The messages from the first to this one, along their parents. */
  async branch(chatId: string, messageId: string): Promise<ChatMessage[]> {
    const { messages } = asTree(await this.#messages(chatId).inOrder(), messageId);
    const branch: ChatMessage[] = [];
    for (let at = messages[messageId]; at; at = messages[at.parentId ?? ""]) branch.push(at);
    return branch.reverse();
  }

  message(chatId: string, messageId: string): Promise<ChatMessage | undefined> {
    return this.#messages(chatId).get(messageId);
  }

  /**
   * Changes one message as one atomic step; `change` gets `undefined` for a message that is not
   * there, and is called again when another writer was faster. Returning `undefined` leaves nothing.
   *
   * Throws `not_found` for a new message of a chat that is gone: nothing is left of it.
   */
  async changeMessage(
    chatId: string,
    messageId: string,
    change: (message: ChatMessage | undefined) => ChatMessage | undefined,
  ): Promise<ChatMessage | undefined> {
    const { changed, isNew } = await this.#messages(chatId).change(messageId, change);
    if (isNew) await this.#requireStill(chatId);
    return changed;
  }

  /**
   * Puts a message under its parent and makes it the chat's current one, if it is not there yet.
   *
   * @throws {AppError} `too_large` for a chat that is full
   */
  async addMessage(userId: string, chatId: string, message: ChatMessage): Promise<void> {
    const { size = 0 } = await this.#require(userId, chatId);
    await this.#quotas.requireRoom(userId, "chat_bytes", "messages");
    await this.search.add(userId, chatId, { texts: [message.content] });
    const stored = this.#messages(chatId);
    if (size > 0 && await stored.get(message.id) === undefined) requireRoom(size + 1);
    const { isNew } = await stored.change(message.id, (current) => current ?? message);
    await this.#requireStill(chatId);
    await stored.adopt(message);
    const merged = { added: [message.id], edited: [], deleted: [] };
    const { version = 0 } = await this.#change(userId, chatId, (chat) => ({
      ...(isNew ? counted(chat, merged) : chat),
      chat: {
        ...chat.chat,
        history: { ...chat.chat.history, currentId: message.id, messages: {} },
      },
    }));
    if (!isNew) return;
    await stored.stamp(merged, version);
    await this.#grew(userId, chatId, { bytes: storedSize(message), messages: 1 });
  }

  /** An answer has ended, with this text: the chat has moved, and its owner has not seen it yet. */
  async answered(
    userId: string,
    chatId: string,
    { text, bytes }: { text: string; bytes: number },
  ): Promise<void> {
    await this.search.add(userId, chatId, { texts: [text] });
    await this.#change(userId, chatId, (chat) => ({
      ...chat,
      unread: true,
      bytes: Math.max(0, (chat.bytes ?? 0) + bytes),
    }));
    await this.#quotas.count(userId, { chat_bytes: bytes });
  }

  /** Notes that the message says something else now: who knew it before does not know this. */
  async noteEdit(userId: string, chatId: string, messageId: string): Promise<void> {
    const edit = { added: [], edited: [messageId], deleted: [] };
    const { version = 0 } = await this.#change(userId, chatId, (chat) => counted(chat, edit));
    await this.#messages(chatId).stamp(edit, version);
  }

  #messages(chatId: string): ChatMessages {
    return new ChatMessages(this.#store.dictionary(keys.chatMessages(chatId)));
  }

  #require(userId: string, chatId: string): Promise<ChatRecord> {
    return this.lists.require(userId, chatId);
  }

  /** After a write: of a chat that was deleted meanwhile, nothing of it may stay. */
  async #requireStill(chatId: string): Promise<void> {
    if (await this.#store.values.get(unchecked(keys.chat(chatId))) !== undefined) return;
    await this.#messages(chatId).clear();
    throw noSuchChat();
  }

  /** What the chat has grown by is counted in it, so that its deletion gives back as much. */
  async #grew(userId: string, chatId: string, by: Grown): Promise<void> {
    if (by.bytes === 0 && by.messages === 0) return;
    const chat = await this.#store.values.update<ChatRecord>(
      keys.chat(chatId),
      (chat) => chat && { ...chat, bytes: Math.max(0, (chat.bytes ?? 0) + by.bytes) },
    );
    if (!chat) return;
    await this.#quotas.count(userId, { chat_bytes: by.bytes, messages: by.messages });
  }

  async #remove(userId: string, chatId: string): Promise<void> {
    const chat = await this.#store.values.get<ChatRecord>(keys.chat(chatId));
    await this.#store.values.delete(keys.chat(chatId));
    await this.#erase(chatId, chat);
    await this.lists.remove(userId, chatId);
  }

  /** Deletes what a chat has beside its record. */
  async #erase(chatId: string, chat: ChatRecord | undefined): Promise<void> {
    if (chat) {
      await this.#quotas.count(chat.user_id, negative(holdingsOf(chat)));
      await this.search.remove(chat.user_id, chatId);
    }
    await this.#messages(chatId).clear();
  }

  /**
   * Changes the record and moves the chat to the top of its owner's list.
   *
   * @throws {AppError} `not_found` for a chat that is gone
   */
  async #change(
    userId: string,
    chatId: string,
    change: (chat: ChatRecord) => ChatRecord,
  ): Promise<ChatRecord> {
    const now = unixSeconds(this.#clock);
    const changed = await this.#store.values.update<ChatRecord>(
      keys.chat(chatId),
      (chat) => chat && { ...change(chat), updated_at: now },
    );
    if (!changed) throw noSuchChat();
    // Deleted meanwhile, it is in no list.
    if (changed.deleted_at === undefined) {
      await this.lists.of(userId).put({ member: chatId, score: now });
    }
    return changed;
  }
}

interface Grown {
  bytes: number;
  messages: number;
}
