import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/pause.ts";
import { keys } from "../state/key_space.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";
import { OncePerMinute } from "./once_per_minute.ts";

/** Users who wait while the store is away; what is beyond is told again in a minute. */
const MAX_WAITING = 100_000;

export interface UserActivityOptions {
  store: StateStore;
  logger: Logger;
  /** Default: the system's. */
  clock?: Clock;
  /** How long signs of life gather before they are written. Default: 1,000. */
  tickMs?: number;
}

/**
 * When users were last here (protocol, section 4: `heartbeat`): each at most once a minute, and all of
 * a second in one write. They stand apart from the users' records, which would have to be read, changed
 * and written whole, with the picture in them.
 */
export class UserActivity implements AsyncDisposable {
  readonly #options: Required<UserActivityOptions>;
  readonly #lastActive: Dictionary<number>;
  readonly #turns: OncePerMinute;
  readonly #waiting = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: UserActivityOptions) {
    this.#options = { clock: systemClock, tickMs: 1_000, ...options };
    this.#lastActive = options.store.dictionary(keys.userActivity);
    this.#turns = new OncePerMinute(this.#options.clock);
  }

  /** Notes a sign of life, whoever calls how often. */
  touch(userId: string): void {
    if (!this.#turns.take(userId) || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(userId, unixSeconds(this.#options.clock));
    this.#writeSoon();
  }

  /** Takes away what is known of a user who is gone. */
  async forget(userId: string): Promise<void> {
    this.#waiting.delete(userId);
    await this.#lastActive.delete(userId);
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write();
    }, this.#options.tickMs);
  }

  /** Never rejects: what could not be written waits for the next time. */
  async #write(): Promise<void> {
    const written = [...this.#waiting];
    try {
      await this.#lastActive.setMany(written);
      for (const [userId, at] of written) {
        if (this.#waiting.get(userId) === at) this.#waiting.delete(userId);
      }
    } catch (thrown) {
      this.#options.logger.warn("users' signs of life wait", { error: errorText(thrown) });
    }
    if (this.#waiting.size > 0) this.#writeSoon();
  }

  /** Writes what waits, within two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    const leave = async () => {
      await this.#writing;
      if (this.#waiting.size > 0) await this.#write();
    };
    await settledWithin(leave(), 2_000);
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }
}
