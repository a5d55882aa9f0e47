import type { Api } from "../client/api.ts";
import type { ChatSummary } from "../protocol/chat.ts";
import { Observable } from "./observable.ts";

const PATH = "/api/v1/chats/";

/** The chats in the sidebar: the last changed first, further ones when they are asked for. */
export class ChatList {
  /** `undefined`: not loaded yet. */
  readonly chats = new Observable<readonly ChatSummary[] | undefined>(undefined);
  /** Whether there are older ones. */
  readonly hasMore = new Observable(false);
  readonly #api: Api;
  #cursor: string | undefined;
  /** One after another, so that none puts its older answer over a newer one. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(api: Api) {
    this.#api = api;
  }

  /** Reads again all that was loaded: after a time without a connection anything may have changed. */
  reload(): Promise<void> {
    return this.#next(async () => {
      const wanted = this.chats.value?.length ?? 1;
      const found: ChatSummary[] = [];
      let cursor: string | undefined;
      do {
        const page = await this.#api.page<ChatSummary>(PATH, cursor);
        found.push(...page.items);
        cursor = page.cursor;
      } while (cursor !== undefined && found.length < wanted);
      this.#show(found, cursor);
    });
  }

  /**
   * Reads the newest ones after a change of this chat, which has moved it to the top, unless it is
   * gone. What was loaded below stays.
   */
  changed(chatId: string): Promise<void> {
    return this.#next(async () => {
      const { items, cursor } = await this.#api.page<ChatSummary>(PATH);
      const known = new Set([chatId, ...items.map(({ id }) => id)]);
      const below = (this.chats.value ?? []).filter(({ id }) => !known.has(id));
      if (cursor === undefined) this.#show(items, undefined);
      else this.#show([...items, ...below], below.length > 0 ? this.#cursor : cursor);
    });
  }

  /** Reads the next ones; does nothing at the end. */
  more(): Promise<void> {
    return this.#next(async () => {
      if (this.#cursor === undefined) return;
      const { items, cursor } = await this.#api.page<ChatSummary>(PATH, this.#cursor);
      const known = new Set(this.chats.value?.map(({ id }) => id));
      const further = items.filter(({ id }) => !known.has(id));
      this.#show([...this.chats.value ?? [], ...further], cursor);
    });
  }

  #show(chats: readonly ChatSummary[], cursor: string | undefined): void {
    this.#cursor = cursor;
    this.chats.value = chats;
    this.hasMore.value = cursor !== undefined;
  }

  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work).catch(() => {
      // What was there stays; the next connection reads again.
      this.chats.value ??= [];
    });
    this.#last = done;
    return done;
  }
}
