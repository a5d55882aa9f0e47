import type { Viewer } from "../protocol/user.ts";
import type { Connection } from "./connection.ts";
import { type Readable, Store } from "./store.ts";

/** What is looked at: a chat, or a channel. */
export type LookedAt = { readonly chatId: string } | { readonly channelId: string };

/** Who looks at a chat or a channel just now: a new object after each change. */
export interface ViewersSnapshot {
  /** The first of them, oneself included; none while there is no connection. */
  readonly users: readonly Viewer[];
  /** How many there are. */
  readonly total: number;
}

const NOBODY: ViewersSnapshot = { users: [], total: 0 };

/** Looks at a chat or a channel, as the others there see, and sees who else does; until it is disposed of. */
export class Viewers implements Disposable, Readable<ViewersSnapshot> {
  readonly #connection: Connection;
  readonly #place: LookedAt;
  readonly #store = new Store<ViewersSnapshot>(NOBODY);
  readonly #ends: (() => void)[];

  /** Looks from now on. */
  constructor(connection: Connection, place: LookedAt) {
    this.#connection = connection;
    this.#place = place;
    const look = () => this.#tell("join");
    this.#ends = [
      connection.onOnline(look),
      connection.on("missed", look),
      connection.onStatus(({ state }) => {
        if (state !== "online") this.#store.set(NOBODY);
      }),
      "chatId" in place
        ? connection.on("events", ({ chat_id, data: { type, data } }) => {
          if (type !== "chat:presence" || chat_id !== place.chatId) return;
          const { users } = data as { users: Viewer[] };
          this.#store.set({ users, total: users.length });
        })
        : connection.on("events:channel", ({ channel_id, data }) => {
          if (data.type !== "channel:presence" || channel_id !== place.channelId) return;
          this.#store.set(data.data);
        }),
    ];
    if (connection.status.state === "online") look();
  }

  /** What there is now. */
  get snapshot(): ViewersSnapshot {
    return this.#store.snapshot;
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#store.subscribe(listener);

  /** Looks no longer. */
  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
    this.#tell("leave");
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  /** A refusal needs no answer here: what may not be read says so itself. */
  #tell(type: "join" | "leave"): void {
    const place = this.#place;
    if (this.#connection.status.state !== "online") return;
    const said = "chatId" in place
      ? this.#connection.ask("events:chat", { chat_id: place.chatId, data: { type } })
      : this.#connection.ask("events:channel", { channel_id: place.channelId, data: { type } });
    said.catch(() => undefined);
  }
}
