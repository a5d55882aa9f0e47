import type { Clock } from "../common/clock.ts";
import type { User } from "../protocol/user.ts";

export interface UserCacheOptions {
  load(userId: string): Promise<User | undefined>;
  clock: Clock;
}

interface Entry {
  user: Promise<User | undefined>;
  endMs: number;
}

/** How long a user is believed when no change was heard. */
const TTL_MS = 5_000;
const MAX_USERS = 10_000;
/** Pictures stand in the record as text; with a large one it is not worth the memory. */
const MAX_PICTURE_LENGTH = 2_000;

/**
 * Users for a few seconds, least recently used out first. Those who ask at once share one reading;
 * what is forgotten while it is being read is not kept.
 */
export class UserCache {
  readonly #options: UserCacheOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: UserCacheOptions) {
    this.#options = options;
  }

  get(userId: string): Promise<User | undefined> {
    const now = this.#options.clock.nowMs();
    const known = this.#entries.get(userId);
    this.#entries.delete(userId);
    // An end further away than its time was set before the clock was set back.
    if (known && known.endMs > now && known.endMs <= now + TTL_MS) {
      this.#entries.set(userId, known);
      return known.user;
    }
    const entry: Entry = { user: this.#options.load(userId), endMs: now + TTL_MS };
    this.#entries.set(userId, entry);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > MAX_USERS && !oldest.done) this.#entries.delete(oldest.value);
    const drop = () => {
      if (this.#entries.get(userId) === entry) this.#entries.delete(userId);
    };
    // The caller owns the promise and its failure; here it only decides what is kept.
    entry.user.then((user) => {
      if (!user || user.profile_image_url.length > MAX_PICTURE_LENGTH) drop();
    }, drop);
    return entry.user;
  }

  forget(userId: string): void {
    this.#entries.delete(userId);
  }

  clear(): void {
    this.#entries.clear();
  }
}
