import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import type { Dictionary } from "../state/state_store.ts";
import { OncePerMinute } from "./once_per_minute.ts";

/** Users who wait while the store is away; what is beyond is told again in a minute. */
const MAX_WAITING = 100_000;

export interface UserActivityOptions {
  /** Where it is stored, by user id in unix seconds. */
  lastActive: Pick<Dictionary<number>, "setMany" | "delete">;
  /** Default: the system's. */
  clock?: Clock;
}

/**
 * When users were last here (docs/protocol.md, section 4: `heartbeat`): each at most once a minute, and all
 * that have gathered in one write. They stand apart from the users' records, which would have to be
 * read, changed and written whole, with the picture in them.
 */
export class UserActivity {
  readonly #clock: Clock;
  readonly #lastActive: UserActivityOptions["lastActive"];
  readonly #turns: OncePerMinute;
  readonly #waiting = new Map<string, number>();

  constructor({ lastActive, clock = systemClock }: UserActivityOptions) {
    this.#clock = clock;
    this.#lastActive = lastActive;
    this.#turns = new OncePerMinute(clock);
  }

  /** Notes a sign of life, whoever calls how often; it is in the store after the next `flush`. */
  touch(userId: string): void {
    if (!this.#turns.take(userId) || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(userId, unixSeconds(this.#clock));
  }

  /**
   * Writes what waits.
   *
   * @throws {AppError} `unavailable` when the store does not take it; then it waits for the next time
   */
  async flush(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const written = [...this.#waiting];
    await this.#lastActive.setMany(written);
    for (const [userId, at] of written) {
      if (this.#waiting.get(userId) === at) this.#waiting.delete(userId);
    }
  }

  /** Takes away what is known of a user who is gone. */
  async forget(userId: string): Promise<void> {
    this.#waiting.delete(userId);
    await this.#lastActive.delete(userId);
  }
}
