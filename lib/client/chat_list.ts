import type { ChatSummary } from "../protocol/chat.ts";
import type { ChatEventHandler } from "./chats.ts";
import { type Readable, Store } from "./store.ts";

const ROUTE = "GET /api/v1/chats/";

/** What there is of one's chats: a new object after each change. */
export interface ChatListSnapshot {
  /** The last changed first; `undefined`: not loaded yet. */
  readonly chats: readonly ChatSummary[] | undefined;
  /** Whether there are older ones. */
  readonly hasMore: boolean;
}

/** One's chats: the last changed first, further ones when they are asked for. */
export class ChatList implements Disposable, Readable<ChatListSnapshot> {
  readonly #chats: ChatEventHandler;
  readonly #store = new Store<ChatListSnapshot>({ chats: undefined, hasMore: false });
  readonly #ends: (() => void)[];
  #cursor: string | undefined;
  /** One after another, so that none puts its older answer over a newer one. */
  #last: Promise<unknown> = Promise.resolve();

  /** Reads the list each time the connection is there, and what changes in it. */
  constructor(chats: ChatEventHandler) {
    this.#chats = chats;
    this.#ends = [
      chats.connection.onOnline(() => void this.reload()),
      chats.onEvent(({ type, chatId }) => {
        const isListed = type === "chat:title" || type === "chat:list" || type === "chat:tags";
        if (isListed) void this.changed(chatId);
      }),
    ];
  }

  /** What there is now. */
  get snapshot(): ChatListSnapshot {
    return this.#store.snapshot;
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#store.subscribe(listener);

  /** Reads again all that was loaded: after a time without a connection anything may have changed. */
  reload(): Promise<void> {
    return this.#next(() => this.#readAgain());
  }

  /**
   * Reads the newest ones after a change of this chat, which has moved it to the top as a rule. One
   * that is further down was only read, or is gone: then all that was loaded is read again.
   */
  changed(chatId: string): Promise<void> {
    return this.#next(async () => {
      const { items, cursor } = await this.#page();
      const known = new Set(items.map(({ id }) => id));
      const below = (this.snapshot.chats ?? []).filter(({ id }) => !known.has(id));
      if (below.some(({ id }) => id === chatId)) return await this.#readAgain();
      if (cursor === undefined) this.#show(items, undefined);
      else this.#show([...items, ...below], below.length > 0 ? this.#cursor : cursor);
    });
  }

  /** Reads the next ones; does nothing at the end. */
  more(): Promise<void> {
    return this.#next(async () => {
      if (this.#cursor === undefined) return;
      const { items, cursor } = await this.#page(this.#cursor);
      const known = new Set(this.snapshot.chats?.map(({ id }) => id));
      const further = items.filter(({ id }) => !known.has(id));
      this.#show([...this.snapshot.chats ?? [], ...further], cursor);
    });
  }

  /** Hears nothing of the chats any more. */
  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  async #readAgain(): Promise<void> {
    const wanted = this.snapshot.chats?.length ?? 1;
    const found: ChatSummary[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#page(cursor);
      found.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined && found.length < wanted);
    this.#show(found, cursor);
  }

  #page(cursor?: string) {
    return this.#chats.connection.api.page(ROUTE, {
      query: cursor === undefined ? {} : { cursor },
    });
  }

  #show(chats: readonly ChatSummary[], cursor: string | undefined): void {
    this.#cursor = cursor;
    this.#store.set({ chats, hasMore: cursor !== undefined });
  }

  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work).catch(() => {
      // What was there stays; the next connection reads again.
      if (!this.snapshot.chats) this.#store.set({ chats: [], hasMore: false });
    });
    this.#last = done;
    return done;
  }
}
