import type { ListedChat } from "../protocol/chat.ts";
import type { ChatEventHandler, OtherChatEvent } from "./chats.ts";
import type { CaughtUp } from "./comeback.ts";
import { type Readable, Store } from "./store.ts";

const ROUTE = "GET /api/v1/chats/";

/** What there is of one's chats: a new object after each change. */
export interface ChatListSnapshot {
  /** The last changed first, pinned ones among them; `undefined`: not loaded yet. */
  readonly chats: readonly ListedChat[] | undefined;
  /** Those that are pinned, however old; the last pinned first. */
  readonly pinned: readonly ListedChat[];
  /** Whether there are older ones. */
  readonly hasMore: boolean;
}

/** What was told of a chat: how it is now, or (`undefined`) that it is gone. */
type Told = Map<string, ListedChat | undefined>;

/** One's chats: the last changed first, further ones when they are asked for. */
export class ChatList implements Disposable, Readable<ChatListSnapshot> {
  readonly #chats: ChatEventHandler;
  readonly #store = new Store<ChatListSnapshot>({ chats: undefined, pinned: [], hasMore: false });
  readonly #ends: (() => void)[];
  #cursor: string | undefined;
  /** One after another, so that none puts its older answer over a newer one. */
  #last: Promise<unknown> = Promise.resolve();
  /** What was told while the server was being asked: its answer may be older. */
  #toldMeanwhile: Told | undefined;

  /** Reads the list each time the connection is there, and what changes in it. */
  constructor(chats: ChatEventHandler) {
    this.#chats = chats;
    this.#ends = [
      chats.connection.onOnline(() => this.reload()),
      chats.connection.on("missed", () => void this.reload()),
      chats.onEvent((event) => this.#heard(event)),
    ];
  }

  /** What there is now. */
  get snapshot(): ChatListSnapshot {
    return this.#store.snapshot;
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#store.subscribe(listener);

  /** Reads again all that was loaded: after a time without a connection anything may have changed. */
  reload(): Promise<CaughtUp> {
    return this.#next(() => this.#readAgain());
  }

  /**
   * Reads the newest ones after a change of this chat, which has moved it to the top as a rule. One
   * that is further down was only read, or is gone: then all that was loaded is read again.
   */
  changed(chatId: string): Promise<CaughtUp> {
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
  more(): Promise<CaughtUp> {
    return this.#next(async () => {
      if (this.#cursor === undefined) return;
      const { items, cursor } = await this.#page(this.#cursor);
      const known = new Set(this.snapshot.chats?.map(({ id }) => id));
      const further = items.filter(({ id }) => !known.has(id));
      this.#show([...this.snapshot.chats ?? [], ...further], cursor);
    });
  }

  /** The chat with this id, where it has been loaded. */
  find(chatId: string): ListedChat | undefined {
    const { chats = [], pinned } = this.snapshot;
    return chats.find(({ id }) => id === chatId) ?? pinned.find(({ id }) => id === chatId);
  }

  /** Hears nothing of the chats any more. */
  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  #heard({ type, chatId, data }: OtherChatEvent): void {
    const known = this.find(chatId);
    switch (type) {
      case "chat:title":
        return known ? this.#put({ ...known, title: data }) : void this.changed(chatId);
      case "chat:active": {
        if (!known) return;
        // Who is asked something moves to the top; where it is in the end, its own event says.
        const now = Math.floor(Date.now() / 1000);
        const updated_at = data.active ? Math.max(now, known.updated_at) : known.updated_at;
        return this.#put({ ...known, active: data.active, updated_at });
      }
      case "chat:list": {
        if (data?.reason === "deleted") return this.#tell(chatId, undefined);
        if (!data?.chat) return void this.changed(chatId);
        return this.#put({ ...data.chat, active: known?.active ?? false });
      }
      case "chat:tags":
        return void this.changed(chatId);
    }
  }

  #put(chat: ListedChat): void {
    this.#tell(chat.id, chat);
  }

  #tell(chatId: string, chat: ListedChat | undefined): void {
    this.#toldMeanwhile?.set(chatId, chat);
    const { chats, pinned, hasMore } = this.snapshot;
    if (!chats) return;
    this.#store.set({
      chats: placed(chats, chatId, chat, hasMore),
      pinned: placedPin(pinned, chatId, chat),
      hasMore,
    });
  }

  async #readAgain(): Promise<void> {
    const wanted = this.snapshot.chats?.length ?? 1;
    const found: ListedChat[] = [];
    let cursor: string | undefined;
    const pinned = this.#chats.connection.api("GET /api/v1/chats/pinned");
    pinned.catch(() => undefined);
    do {
      const page = await this.#page(cursor);
      found.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined && found.length < wanted);
    this.#show(found, cursor, await pinned);
  }

  #page(cursor?: string) {
    return this.#chats.connection.api.page(ROUTE, {
      query: cursor === undefined ? {} : { cursor },
    });
  }

  #show(
    chats: readonly ListedChat[],
    cursor: string | undefined,
    pinned: readonly ListedChat[] = this.snapshot.pinned,
  ): void {
    this.#cursor = cursor;
    this.#store.set({ chats, pinned, hasMore: cursor !== undefined });
  }

  #next(work: () => Promise<void>): Promise<CaughtUp> {
    const done = this.#last.then(async (): Promise<CaughtUp> => {
      const told: Told = this.#toldMeanwhile = new Map();
      try {
        await work();
      } finally {
        this.#toldMeanwhile = undefined;
      }
      for (const [chatId, chat] of told) this.#tell(chatId, chat);
      return "whole";
    }).catch((): CaughtUp => {
      // What was there stays; the next connection reads again.
      if (!this.snapshot.chats) this.#store.set({ chats: [], pinned: [], hasMore: false });
      return "failed";
    });
    this.#last = done;
    return done;
  }
}

/** The list with the chat where it belongs now; below what is loaded, it comes with its page. */
function placed(
  chats: readonly ListedChat[],
  chatId: string,
  chat: ListedChat | undefined,
  hasMore: boolean,
): readonly ListedChat[] {
  const before = chats.findIndex(({ id }) => id === chatId);
  if (chat && chats[before]?.updated_at === chat.updated_at) return chats.with(before, chat);
  const others = chats.filter(({ id }) => id !== chatId);
  if (!chat) return others;
  const place = others.findIndex(({ updated_at }) => updated_at <= chat.updated_at);
  if (place < 0) return hasMore ? others : [...others, chat];
  return others.toSpliced(place, 0, chat);
}

function placedPin(
  pinned: readonly ListedChat[],
  chatId: string,
  chat: ListedChat | undefined,
): readonly ListedChat[] {
  const before = pinned.findIndex(({ id }) => id === chatId);
  if (before < 0) return chat?.pinned ? [chat, ...pinned] : pinned;
  return chat?.pinned ? pinned.with(before, chat) : pinned.toSpliced(before, 1);
}
