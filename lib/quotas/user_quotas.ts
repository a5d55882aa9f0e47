import { AppError } from "../common/errors.ts";
import { keys } from "../state/key_space.ts";
import type { UserHoldings } from "../state/records.ts";
import type { StateStore } from "../state/state_store.ts";

export type Holding = keyof UserHoldings;

/** What one user may have in the store. */
export type QuotaLimits = Readonly<Record<Holding, number>>;

/** The variable that sets each limit: the name by which it is told. */
const NAMES: Readonly<Record<Holding, string>> = {
  chats: "QUOTA_CHATS",
  messages: "QUOTA_MESSAGES",
  chat_bytes: "QUOTA_CHAT_BYTES",
  notes: "QUOTA_NOTES",
  note_bytes: "QUOTA_NOTE_BYTES",
  channels: "QUOTA_CHANNELS",
  posts: "QUOTA_POSTS",
  post_bytes: "QUOTA_POST_BYTES",
};

/** Defaults that nobody meets in years of good days' work. */
export const DEFAULT_LIMITS: QuotaLimits = {
  chats: 20_000,
  messages: 500_000,
  chat_bytes: 512 * 1024 * 1024,
  notes: 10_000,
  note_bytes: 512 * 1024 * 1024,
  channels: 500,
  posts: 500_000,
  post_bytes: 512 * 1024 * 1024,
};

export type Change = Partial<UserHoldings>;

/**
 * What each user has in the store, counted as it comes and goes: one atomic change of one record, no
 * look at what is there. All instances count in the same record.
 */
export class UserQuotas {
  readonly #store: StateStore;
  readonly #limits: QuotaLimits;
  readonly #refusals = new Map<string, number>();

  constructor(store: StateStore, limits: QuotaLimits = DEFAULT_LIMITS) {
    this.#store = store;
    this.#limits = limits;
  }

  /** Refusals by the limit's name, for metrics. */
  get refusals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refusals);
  }

  /** Counts what is to be stored. @throws {AppError} `too_large`, naming the limit; nothing is counted then */
  async take(userId: string, change: Change): Promise<void> {
    let over: Holding | undefined;
    await this.#holdings.update(userId, (held) => {
      const next = changed(held, change);
      over = this.#names(change).find((name) => next[name] > this.#limits[name]);
      return over ? held : next;
    });
    if (over) this.#refuse(over);
  }

  /** @throws {AppError} `too_large` when the user has reached the limit of one of these already */
  async requireRoom(userId: string, ...holdings: Holding[]): Promise<void> {
    const held = await this.#holdings.get(userId);
    const full = holdings.find((name) => (held?.[name] ?? 0) >= this.#limits[name]);
    if (full) this.#refuse(full);
  }

  /** What the user has more of than one may, by its limit's name; `undefined`: nothing. */
  async excess(userId: string): Promise<string | undefined> {
    const held = await this.held(userId);
    const over = Object.keys(NAMES).find((name) =>
      held[name as Holding] > this.#limits[name as Holding]
    );
    return over && NAMES[over as Holding];
  }

  /** Counts what has been stored, or taken away. */
  async count(userId: string, change: Change): Promise<void> {
    if (this.#names(change).every((name) => change[name] === 0)) return;
    await this.#holdings.update(userId, (held) => {
      // Of a user who is gone, nothing is left, nor comes back.
      const isLess = this.#names(change).every((name) => (change[name] ?? 0) <= 0);
      return held === undefined && isLess ? undefined : changed(held, change);
    });
  }

  async held(userId: string): Promise<UserHoldings> {
    return changed(await this.#holdings.get(userId), {});
  }

  /** The user is gone, with all they had. */
  async forget(userId: string): Promise<void> {
    await this.#holdings.delete(userId);
  }

  get #holdings() {
    return this.#store.dictionary(keys.userHoldings);
  }

  #names(change: Change): Holding[] {
    return Object.keys(change) as Holding[];
  }

  #refuse(holding: Holding): never {
    const name = NAMES[holding];
    this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
    const what = holding.replace("_bytes", "s, in bytes");
    throw new AppError(
      "too_large",
      `${name}: you have as many ${what} as one may have, ${
        this.#limits[holding]
      }. Delete some first.`,
    );
  }
}

/** Never below nothing: what was there before anybody counted goes uncounted. */
function changed(held: UserHoldings | undefined, change: Change): UserHoldings {
  const sum = (name: Holding) => Math.max(0, (held?.[name] ?? 0) + (change[name] ?? 0));
  return {
    chats: sum("chats"),
    messages: sum("messages"),
    chat_bytes: sum("chat_bytes"),
    notes: sum("notes"),
    note_bytes: sum("note_bytes"),
    channels: sum("channels"),
    posts: sum("posts"),
    post_bytes: sum("post_bytes"),
  };
}

/** The change that takes back the other. */
export const negative = (change: Change): Change =>
  Object.fromEntries(Object.entries(change).map(([name, number]) => [name, -number]));

/** About what a value takes in the store. */
export const storedSize = (value: unknown): number => JSON.stringify(value)?.length ?? 0;
