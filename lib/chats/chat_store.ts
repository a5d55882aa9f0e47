import { AppError } from "../common/errors.ts";
import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import type { Chat, ChatBody, ChatMessage, ChatSummary } from "../protocol/chat.ts";
import { keys } from "../state/key_space.ts";
import type {
  Dictionary,
  IndexEntry,
  IndexPageOptions,
  SortedIndex,
  StateStore,
} from "../state/state_store.ts";

/** A chat as it is stored: its messages are entries of a dictionary of their own. */
type ChatRecord = Chat;

type Messages = Record<string, ChatMessage>;

/** How many messages are read at once when a chat is put together. */
const MESSAGES_PAGE = 200;
/** How many of a user's chats are looked up at once to be deleted. */
const CHATS_PAGE = 50;
/** An entry of a list without a record is a chat that is being made, or what is left of one. */
const MAKING_SECONDS = 60;

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

  constructor(store: StateStore, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  async create(userId: string, body: ChatBody): Promise<Chat> {
    const now = unixSeconds(this.#clock);
    const id = crypto.randomUUID();
    const { record, messages: given } = split(body);
    const messages = Object.fromEntries(
      Object.entries(given).map(([id, message]) => [id, unheld(message)]),
    );
    const chat: ChatRecord = {
      id,
      user_id: userId,
      title: body.title ?? "New Chat",
      chat: record,
      created_at: now,
      updated_at: now,
    };
    await this.#chatsOf(userId).put({ member: id, score: now });
    await this.#messages(id).setMany(Object.entries(messages));
    await this.#store.values.set(keys.chat(id), chat);
    return join(chat, messages);
  }

  /** The chat with all its messages. */
  async get(userId: string, chatId: string): Promise<Chat> {
    const record = await this.#require(userId, chatId);
    return join(record, await this.#allMessages(chatId));
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
  async page(
    userId: string,
    options: Pick<IndexPageOptions, "limit" | "cursor"> = {},
  ): Promise<{ chats: ChatSummary[]; cursor: string | undefined }> {
    const { entries, cursor } = await this.#chatsOf(userId).page({ ...options, descending: true });
    const records = await this.#store.values.getMany<ChatRecord>(
      entries.map(({ member }) => keys.chat(member)),
    );
    await this.#dropRemains(userId, entries.filter((_, at) => records[at] === undefined));
    const chats = records
      .filter((record) => record !== undefined)
      .map(({ id, title, updated_at, created_at, last_read_at = null }) => ({
        ...{ id, title, updated_at, created_at, last_read_at },
      }));
    return { chats, cursor };
  }

  /**
   * Changes what the body names. A history replaces the one before, but for messages that are being
   * written by the server right now: those keep what the server wrote.
   */
  async update(userId: string, chatId: string, body: ChatBody): Promise<Chat> {
    await this.#require(userId, chatId);
    const { record, messages } = split(body);
    if (body.history?.messages) await this.#replaceMessages(chatId, messages);
    await this.#change(userId, chatId, (chat) => ({
      ...chat,
      title: body.title ?? chat.title,
      chat: { ...chat.chat, ...record },
    }));
    return await this.get(userId, chatId);
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
      const { entries } = await this.#chatsOf(userId).page({ limit: CHATS_PAGE });
      if (entries.length === 0) return true;
      for (const { member } of entries) {
        if (signal.aborted) return false;
        await this.#remove(userId, member);
      }
    }
    return false;
  }

  async setTitle(userId: string, chatId: string, title: string): Promise<void> {
    await this.#change(userId, chatId, (chat) => ({
      ...chat,
      title,
      chat: { ...chat.chat, title },
    }));
  }

  /** Stores when the user last read the chat; does not move it in the list. */
  async markRead(userId: string, chatId: string): Promise<void> {
    await this.#require(userId, chatId);
    const now = unixSeconds(this.#clock);
    await this.#store.values.update<ChatRecord>(
      keys.chat(chatId),
      (chat) => chat && { ...chat, last_read_at: now },
    );
  }

  /** The messages from the first to this one, along their parents. */
  async branch(chatId: string, messageId: string): Promise<ChatMessage[]> {
    const all = await this.#allMessages(chatId);
    const branch = new Map<string, ChatMessage>();
    let message = all[messageId];
    while (message && !branch.has(message.id)) {
      branch.set(message.id, message);
      message = message.parentId ? all[message.parentId] : undefined;
    }
    return [...branch.values()].reverse();
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
    let isNew = false;
    const changed = await this.#messages(chatId).update(messageId, (message) => {
      isNew = message === undefined;
      return change(message);
    });
    if (isNew && changed !== undefined) await this.#requireStill(chatId);
    return changed;
  }

  /** Puts a message under its parent and makes it the chat's current one, if it is not there yet. */
  async addMessage(userId: string, chatId: string, message: ChatMessage): Promise<void> {
    await this.changeMessage(chatId, message.id, (current) => current ?? message);
    await this.#adopt(chatId, message);
    await this.#change(userId, chatId, (chat) => ({
      ...chat,
      chat: {
        ...chat.chat,
        history: { ...chat.chat.history, currentId: message.id, messages: {} },
      },
    }));
  }

  /** Names the message among its parent's children. */
  async #adopt(chatId: string, { id, parentId }: ChatMessage): Promise<void> {
    if (!parentId) return;
    await this.#messages(chatId).update(
      parentId,
      (parent) =>
        parent && !parent.childrenIds.includes(id)
          ? { ...parent, childrenIds: [...parent.childrenIds, id] }
          : parent,
    );
  }

  #chatsOf(userId: string): SortedIndex {
    return this.#store.sortedIndex(keys.userChats(userId));
  }

  #messages(chatId: string): Dictionary<ChatMessage> {
    return this.#store.dictionary<ChatMessage>(keys.chatMessages(chatId));
  }

  async #allMessages(chatId: string): Promise<Messages> {
    const all: Messages = {};
    for await (const page of this.#messages(chatId).scan({ pageSize: MESSAGES_PAGE })) {
      for (const [id, message] of page) all[id] = message;
    }
    return all;
  }

  async #require(userId: string, chatId: string): Promise<ChatRecord> {
    const record = await this.#store.values.get<ChatRecord>(keys.chat(chatId));
    if (record?.user_id !== userId) throw noSuchChat();
    return record;
  }

  /** After a write: of a chat that was deleted meanwhile, nothing of it may stay. */
  async #requireStill(chatId: string): Promise<void> {
    if (await this.#store.values.get(keys.chat(chatId)) !== undefined) return;
    await this.#messages(chatId).clear();
    throw noSuchChat();
  }

  async #remove(userId: string, chatId: string): Promise<void> {
    await this.#store.values.delete(keys.chat(chatId));
    await this.#messages(chatId).clear();
    await this.#chatsOf(userId).remove(chatId);
  }

  async #dropRemains(userId: string, entries: IndexEntry[]): Promise<void> {
    const oldest = unixSeconds(this.#clock) - MAKING_SECONDS;
    const remains = entries.filter(({ score }) => score < oldest).map(({ member }) => member);
    if (remains.length > 0) await this.#chatsOf(userId).remove(...remains);
  }

  /** Changes the record and moves the chat to the top of its owner's list. */
  async #change(
    userId: string,
    chatId: string,
    change: (chat: ChatRecord) => ChatRecord,
  ): Promise<void> {
    const now = unixSeconds(this.#clock);
    const changed = await this.#store.values.update<ChatRecord>(
      keys.chat(chatId),
      (chat) => chat && { ...change(chat), updated_at: now },
    );
    if (changed) {
      await this.#chatsOf(userId).put({ member: chatId, score: now });
    }
  }

  async #replaceMessages(chatId: string, given: Messages): Promise<void> {
    const stored = this.#messages(chatId);
    const gone = Object.keys(await this.#allMessages(chatId))
      .filter((id) => !Object.hasOwn(given, id));
    const [kept] = await Promise.all([
      Promise.all(
        gone.map((id) => stored.update(id, (current) => isLive(current) ? current : undefined)),
      ),
      Promise.all(
        Object.entries(given).map(([id, message]) =>
          stored.update(id, (current) => replaced(current, message))
        ),
      ),
    ]);
    await this.#requireStill(chatId);
    for (const message of kept) if (message) await this.#adopt(chatId, message);
  }
}

function noSuchChat(): AppError {
  return new AppError("not_found", "There is no such chat.");
}

/** Whether the server is writing this message right now. */
function isLive(message: ChatMessage | undefined): message is ChatMessage {
  return message?.generation !== undefined && message.done !== true;
}

/** The message that a client's becomes: what the server writes, or wrote since the client read it, stays. */
function replaced(current: ChatMessage | undefined, given: ChatMessage): ChatMessage {
  const isOlder = isLive(given) && current?.generation === given.generation;
  if (current && (isLive(current) || isOlder)) {
    return { ...given, ...current, childrenIds: given.childrenIds };
  }
  return unheld(given);
}

/** Only the server says that it writes a message; one that nobody writes would be kept for ever. */
function unheld(message: ChatMessage): ChatMessage {
  if (!isLive(message)) return message;
  const { generation: _, ...rest } = message;
  return rest;
}

function split(body: ChatBody): { record: ChatBody; messages: Messages } {
  if (!body.history) return { record: body, messages: {} };
  const messages = (body.history.messages ?? {}) as Messages;
  return { record: { ...body, history: { ...body.history, messages: {} } }, messages };
}

function join(record: ChatRecord, messages: Messages): Chat {
  const { chat } = record;
  return {
    ...record,
    chat: {
      ...chat,
      title: record.title,
      history: { ...chat.history, currentId: chat.history?.currentId ?? null, messages },
    },
  };
}
