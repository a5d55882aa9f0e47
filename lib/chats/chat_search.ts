import { AppError } from "../common/errors.ts";
import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { yieldToEvents } from "../common/pause.ts";
import { Turns } from "../common/turns.ts";
import type { ChatMessage } from "../protocol/chat.ts";
import { keys } from "../state/key_space.ts";
import type { ChatWords } from "../state/records.ts";
import type { IndexEntry, IndexPageOptions, StateStore } from "../state/state_store.ts";
import { folded, snippetOf, termsOf, wordsOf } from "./words.ts";

/** Letters of words that are kept of one chat; what it says beyond is not found. */
const MAX_WORDS = 48 * 1024;
/** Entries that are looked through at once: few first, as what is looked for is often recent. */
const FIRST_BATCH = 100;
const BATCH = 1_000;
/** How long one search may spend on chats that nobody has indexed yet. */
const INDEXING_MS = 1_500;
const INDEXED_AT_ONCE = 8;
/** Words that are kept in memory, over all users, in bytes. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** A change within the same second would not show in the chat's time; clocks of instances differ. */
const SETTLED_SECONDS = 10;
/** Searches of one user at a time. */
const MAX_SEARCHES = 4;
/** Messages of a chat among which a snippet is looked for. */
const SNIPPET_MESSAGES = 200;

export interface Found {
  /** Chats that have all the terms, the last changed first. */
  ids: string[];
  /** Where to go on: the page is full, or so much had to be indexed first. */
  cursor: string | undefined;
}

interface Remembered {
  score: number;
  entry: ChatWords;
  bytes: number;
}

/**
 * Finds chats by the words of their titles and messages. Of each chat, the store keeps its words once
 * (`chatWords`), written before the message that brings them; a search goes through its owner's list
 * of chats, the last changed first, until a page is full. What was read is remembered, and counts as
 * long as the chat has not changed (decision record 37).
 *
 * A chat without an entry, which was there before there was an index or has been imported, is indexed
 * by the first search that meets it.
 */
export class ChatSearch {
  readonly #store: StateStore;
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #running = new Map<string, number>();
  #bytes = 0;

  constructor(store: StateStore, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * The chat gets these words besides those that it has; `title` replaces its title. One without an
   * entry gets none: the search that meets it reads all of it.
   */
  async add(
    userId: string,
    chatId: string,
    { title, texts = [] }: { title?: string | undefined; texts?: Iterable<string> },
  ): Promise<void> {
    const fresh = await gathered(texts);
    if (title === undefined && fresh.size === 0) return;
    await this.#entries(userId).update(chatId, (now) =>
      now && {
        title: title === undefined ? now.title : folded(title),
        words: joined(now.words, fresh),
      });
  }

  /** The chat has these words, and no others. */
  async replace(
    userId: string,
    chatId: string,
    { title, messages }: { title: string; messages: Iterable<Pick<ChatMessage, "content">> },
  ): Promise<ChatWords> {
    const fresh = await gathered(contentsOf(messages));
    const entry = { title: folded(title), words: joined("", fresh) };
    await this.#entries(userId).set(chatId, entry);
    return entry;
  }

  async remove(userId: string, chatId: string): Promise<void> {
    this.#forget(chatId);
    await this.#entries(userId).delete(chatId);
  }

  /**
   * Ends early, with what it has, when the signal is aborted.
   *
   * @throws {AppError} `rate_limited` for a user who searches too often at a time
   */
  async search(
    userId: string,
    question: string,
    { limit = 60, cursor, signal }:
      & Pick<IndexPageOptions, "limit" | "cursor">
      & { signal?: AbortSignal } = {},
  ): Promise<Found> {
    using _ = this.#enter(userId);
    const terms = termsOf(question);
    const list = this.#store.sortedIndex(keys.userChats(userId));
    const found: Found = { ids: [], cursor };
    const endAtMs = performance.now() + INDEXING_MS;
    for (let size = FIRST_BATCH;; size = BATCH) {
      // Nobody waits any more: the next letter has been typed.
      if (signal?.aborted) return found;
      const at = found.cursor === undefined ? {} : { cursor: found.cursor };
      const { entries, cursor: next } = await list.page({ ...at, limit: size, descending: true });
      const all = await this.#read(userId, entries);
      let used = await this.#indexMissing(userId, entries, all, endAtMs);
      const isLate = used < entries.length;
      for (const [place, { member }] of entries.slice(0, used).entries()) {
        if (!matches(all[place], terms)) continue;
        found.ids.push(member);
        if (found.ids.length < limit) continue;
        used = place + 1;
        break;
      }
      if (isLate || found.ids.length >= limit) {
        // The next page begins behind this very entry.
        const isAll = used === entries.length;
        const upTo = () => list.page({ ...at, limit: used, descending: true });
        found.cursor = isAll ? next : (await upTo()).cursor;
        return found;
      }
      found.cursor = next;
      if (next === undefined) return found;
      await yieldToEvents();
    }
  }

  /** Where the chat says it; `undefined` where that is its title, or far from its first messages. */
  async snippet(chatId: string, question: string): Promise<string | undefined> {
    const terms = termsOf(question);
    const messages = this.#store.dictionary(keys.chatMessages(chatId));
    for await (const page of messages.scan({ pageSize: SNIPPET_MESSAGES })) {
      for (const [, { content }] of page) {
        const snippet = snippetOf(content, terms);
        if (snippet !== undefined) return snippet;
      }
      return undefined;
    }
    return undefined;
  }

  #entries(userId: string) {
    return this.#store.dictionary(keys.chatWords(userId));
  }

  #enter(userId: string): Disposable {
    const running = this.#running.get(userId) ?? 0;
    if (running >= MAX_SEARCHES) {
      throw new AppError("rate_limited", "You search too often at a time: wait for an answer.");
    }
    this.#running.set(userId, running + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#running.get(userId) ?? 1) - 1;
        if (left > 0) this.#running.set(userId, left);
        else this.#running.delete(userId);
      },
    };
  }

  /** The words of these chats, from memory where they have not changed. */
  async #read(userId: string, chats: readonly IndexEntry[]): Promise<(ChatWords | undefined)[]> {
    const all = chats.map(({ member, score }) => this.#recall(member, score));
    const unknown = [...chats.entries()].filter(([place]) => all[place] === undefined);
    if (unknown.length === 0) return all;
    const ids = unknown.map(([, { member }]) => member);
    const settled = unixSeconds(this.#clock) - SETTLED_SECONDS;
    const read = await this.#entries(userId).getMany(ids);
    for (const [at, [place, { member, score }]] of unknown.entries()) {
      const entry = all[place] = read[at];
      if (entry && score < settled) this.#remember(member, score, entry);
    }
    return all;
  }

  /** Indexes what has no entry, as far as the time allows; says how many from the first on have one. */
  async #indexMissing(
    userId: string,
    chats: readonly IndexEntry[],
    all: (ChatWords | undefined)[],
    endAtMs: number,
  ): Promise<number> {
    const missing = [...chats.entries()].filter(([place]) => all[place] === undefined);
    for (let at = 0; at < missing.length; at += INDEXED_AT_ONCE) {
      // Some at least, so that the next search begins further down.
      if (at > 0 && performance.now() > endAtMs) return missing[at]?.[0] ?? 0;
      await Promise.all(
        missing.slice(at, at + INDEXED_AT_ONCE).map(async ([place, { member }]) => {
          all[place] = await this.#index(userId, member);
        }),
      );
    }
    return chats.length;
  }

  async #index(userId: string, chatId: string): Promise<ChatWords | undefined> {
    const chat = await this.#store.values.get(keys.chat(chatId));
    if (chat?.user_id !== userId) return undefined;
    const messages: ChatMessage[] = [];
    for await (const page of this.#store.dictionary(keys.chatMessages(chatId)).scan()) {
      messages.push(...page.map(([, message]) => message));
    }
    return await this.replace(userId, chatId, { title: chat.title, messages });
  }

  #recall(chatId: string, score: number): ChatWords | undefined {
    const known = this.#remembered.get(chatId);
    if (!known || known.score !== score) return undefined;
    this.#remembered.delete(chatId);
    this.#remembered.set(chatId, known);
    return known.entry;
  }

  #remember(chatId: string, score: number, entry: ChatWords): void {
    this.#forget(chatId);
    const bytes = 2 * (entry.title.length + entry.words.length) + 200;
    this.#remembered.set(chatId, { score, entry, bytes });
    this.#bytes += bytes;
    for (const [oldest] of this.#remembered) {
      if (this.#bytes <= CACHE_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(chatId: string): void {
    this.#bytes -= this.#remembered.get(chatId)?.bytes ?? 0;
    this.#remembered.delete(chatId);
  }
}

function matches(entry: ChatWords | undefined, terms: readonly string[]): boolean {
  return entry !== undefined &&
    terms.every((term) => entry.title.includes(term) || entry.words.includes(term));
}

const contentsOf = function* (messages: Iterable<Pick<ChatMessage, "content">>) {
  for (const { content } of messages) yield content;
};

/** All words of the texts, as many as are kept. */
async function gathered(texts: Iterable<string>): Promise<Set<string>> {
  const words = new Set<string>();
  const turns = new Turns();
  let length = 0;
  for (const text of texts) {
    for (const part of wordsOf(text)) {
      if (turns.isOver) await turns.next();
      for (const word of part) {
        if (words.has(word)) continue;
        length += word.length + 1;
        if (length > MAX_WORDS) return words;
        words.add(word);
      }
    }
  }
  return words;
}

/** The words that are there and the fresh ones, each once: no term goes over the line between two. */
function joined(before: string, fresh: ReadonlySet<string>): string {
  const all = new Set(before === "" ? [] : before.split("\n"));
  let length = before.length;
  for (const word of fresh) {
    if (all.has(word)) continue;
    length += word.length + 1;
    if (length > MAX_WORDS) break;
    all.add(word);
  }
  return [...all].join("\n");
}
