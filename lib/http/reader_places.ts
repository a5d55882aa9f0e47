import { AppError } from "../common/errors.ts";

export interface ReaderPlacesOptions {
  /** Streams that are read at once, of all users. */
  maxReaders: number;
  /** Those of one user. Default: 16. */
  maxPerUser?: number;
}

/** How many streams are being read, by whom: each holds a connection. */
export class ReaderPlaces {
  readonly #maxReaders: number;
  readonly #maxPerUser: number;
  readonly #byUser = new Map<string, number>();
  #count = 0;

  constructor({ maxReaders, maxPerUser = 16 }: ReaderPlacesOptions) {
    this.#maxReaders = maxReaders;
    this.#maxPerUser = maxPerUser;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Takes a place; disposing of it gives it back.
   *
   * @throws {AppError} `rate_limited` for a user who reads too many, `unavailable` when all are taken
   */
  take(userId: string): Disposable {
    const own = this.#byUser.get(userId) ?? 0;
    if (own >= this.#maxPerUser) {
      throw new AppError("rate_limited", "Too many answers are being read at once.");
    }
    if (this.#count >= this.#maxReaders) {
      throw new AppError("unavailable", "There are too many connections.");
    }
    this.#count++;
    this.#byUser.set(userId, own + 1);
    let isGiven = false;
    return {
      [Symbol.dispose]: () => {
        if (isGiven) return;
        isGiven = true;
        this.#count--;
        const left = (this.#byUser.get(userId) ?? 1) - 1;
        if (left > 0) this.#byUser.set(userId, left);
        else this.#byUser.delete(userId);
      },
    };
  }
}
