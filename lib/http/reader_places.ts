import { AppError } from "../common/errors.ts";

export interface ReaderPlacesOptions {
  /** Streams that are read at once, of all users. */
  maxReaders: number;
  /** Those of one user. Default: 16. */
  maxPerUser?: number;
}

/** One who reads; disposing of it gives the place back. */
export interface ReaderPlace extends Disposable {
  /** Whether the reader's access may have changed since this was last asked. */
  takeDoubt(): boolean;
}

/** How many streams are being read, by whom: each holds a connection. */
export class ReaderPlaces {
  readonly #maxReaders: number;
  readonly #maxPerUser: number;
  /** The readers of each user, and whether their access is in doubt. */
  readonly #byUser = new Map<string, Map<symbol, boolean>>();
  readonly #stats = { now: 0, opened: 0, refused: 0 };

  constructor({ maxReaders, maxPerUser = 16 }: ReaderPlacesOptions) {
    this.#maxReaders = maxReaders;
    this.#maxPerUser = maxPerUser;
  }

  /** Who reads now, how many have begun to since the start, and how many were refused. */
  stats(): Readonly<Record<"now" | "opened" | "refused", number>> {
    return this.#stats;
  }

  /**
   * Takes a place; disposing of it gives it back.
   *
   * @throws {AppError} `rate_limited` for a user who reads too many, `unavailable` when all are taken
   */
  take(userId: string): ReaderPlace {
    const own = this.#byUser.get(userId) ?? new Map<symbol, boolean>();
    if (own.size >= this.#maxPerUser) {
      this.#stats.refused++;
      throw new AppError("rate_limited", "Too many answers are being read at once.");
    }
    if (this.#stats.now >= this.#maxReaders) {
      this.#stats.refused++;
      throw new AppError("unavailable", "There are too many connections.");
    }
    this.#stats.now++;
    this.#stats.opened++;
    const id = Symbol();
    this.#byUser.set(userId, own.set(id, false));
    return {
      takeDoubt() {
        const isInDoubt = own.get(id) === true;
        if (isInDoubt) own.set(id, false);
        return isInDoubt;
      },
      [Symbol.dispose]: () => {
        if (!own.delete(id)) return;
        this.#stats.now--;
        if (own.size === 0 && this.#byUser.get(userId) === own) this.#byUser.delete(userId);
      },
    };
  }

  /** The user's access has changed; without an id, anybody's may have. */
  doubt(userId?: string): void {
    const all = userId === undefined ? this.#byUser.values() : [this.#byUser.get(userId)];
    for (const readers of all) {
      for (const id of readers?.keys() ?? []) readers?.set(id, true);
    }
  }
}
