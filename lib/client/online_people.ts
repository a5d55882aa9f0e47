import { MAX_WATCHED_USERS } from "../protocol/events.ts";
import type { Connection } from "./connection.ts";
import { type Readable, Store } from "./store.ts";

/** How long to wait before the server is asked again, in milliseconds. */
const RETRY_MS = 5_000;

/**
 * Who of the people that parts of a program watch is online, all of them together on one connection:
 * the ids of those who are. Nobody is, as far as one can tell, while there is no connection.
 */
export class OnlinePeople implements Readable<ReadonlySet<string>> {
  static readonly #all = new WeakMap<Connection, OnlinePeople>();
  readonly #connection: Connection;
  readonly #store = new Store<ReadonlySet<string>>(new Set());
  readonly #watched = new Set<readonly string[]>();
  #ends: (() => void)[] = [];
  #isDue = false;
  #asked = "";
  #retry: ReturnType<typeof setTimeout> | undefined;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The one of the connection. */
  static of(connection: Connection): OnlinePeople {
    const people = OnlinePeople.#all.get(connection) ?? new OnlinePeople(connection);
    OnlinePeople.#all.set(connection, people);
    return people;
  }

  /** Who is online of those who are watched: a new set after each change. */
  get snapshot(): ReadonlySet<string> {
    return this.#store.snapshot;
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#store.subscribe(listener);

  /** Watches these people; of all that are watched at once, the first 256. Returns the end. */
  watch(userIds: readonly string[]): () => void {
    const mine = [...userIds];
    this.#watched.add(mine);
    if (this.#watched.size === 1) this.#begin();
    this.#askSoon();
    return () => {
      if (!this.#watched.delete(mine)) return;
      if (this.#watched.size === 0) { for (const end of this.#ends) end(); }
      clearTimeout(this.#retry);
      this.#askSoon();
    };
  }

  #begin(): void {
    this.#asked = "";
    this.#ends = [
      this.#connection.onOnline(() => {
        this.#asked = "";
        this.#askSoon();
      }),
      this.#connection.onStatus(({ state }) => {
        if (state !== "online") this.#store.set(new Set());
      }),
      this.#connection.on("users:online", ({ online, offline }) => {
        const now = new Set([...this.snapshot, ...online]);
        for (const id of offline) now.delete(id);
        this.#store.set(now);
      }),
    ];
  }

  /** One question for all that begin or end to watch in a moment. */
  #askSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    if (this.#connection.status.state !== "online") return;
    const all = [...new Set([...this.#watched].flat())];
    const user_ids = all.slice(0, MAX_WATCHED_USERS).sort();
    const asked = user_ids.join();
    if (asked === this.#asked) return;
    this.#asked = asked;
    try {
      const { online } = await this.#connection.ask("users:watch", { user_ids });
      // Another question has gone out meanwhile: its answer counts.
      if (asked === this.#asked) this.#store.set(new Set(online));
    } catch {
      // Not told is not online. Without a connection, the next one asks again.
      if (asked !== this.#asked) return;
      this.#asked = "";
      clearTimeout(this.#retry);
      if (this.#watched.size > 0) this.#retry = setTimeout(() => this.#askSoon(), RETRY_MS);
    }
  }
}
