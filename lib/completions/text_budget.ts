import { AppError } from "../common/errors.ts";

export interface TextBudgetOptions {
  /** Of all users together. Default: 256 MiB. */
  maxBytes?: number;
  /** Of one user. Default: 64 MiB, four answers of the greatest length. */
  maxBytesPerUser?: number;
}

/** How many bytes of text are under way, in all and for each user. */
export class TextBudget {
  readonly #maxBytes: number;
  readonly #maxBytesPerUser: number;
  readonly #byUser = new Map<string, number>();
  #bytes = 0;

  constructor(
    { maxBytes = 256 * 1024 * 1024, maxBytesPerUser = 64 * 1024 * 1024 }: TextBudgetOptions = {},
  ) {
    this.#maxBytes = maxBytes;
    this.#maxBytesPerUser = maxBytesPerUser;
  }

  /** In all. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes bytes for the user. Throws `unavailable` or `too_large` when there are none left. */
  take(userId: string, bytes: number): void {
    const own = (this.#byUser.get(userId) ?? 0) + bytes;
    if (own > this.#maxBytesPerUser) {
      throw new AppError(
        "too_large",
        "QUOTA_ANSWER_BYTES: your answers under way are too long together.",
      );
    }
    if (this.#bytes + bytes > this.#maxBytes) {
      throw new AppError("unavailable", "Too much is being written here. Try again soon.");
    }
    this.#bytes += bytes;
    this.#byUser.set(userId, own);
  }

  giveBack(userId: string, bytes: number): void {
    this.#bytes -= bytes;
    const own = (this.#byUser.get(userId) ?? 0) - bytes;
    if (own > 0) this.#byUser.set(userId, own);
    else this.#byUser.delete(userId);
  }
}
