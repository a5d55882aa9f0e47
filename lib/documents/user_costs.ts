import { AppError } from "../common/errors.ts";
import { SpentTime } from "../common/spent_time.ts";
import { UserBudgets } from "../common/user_budgets.ts";

/** Milliseconds of the event loop's time that one user's documents may take in a second. */
const MS_A_SECOND = 200;
/** What may be taken at once: some large pastes, some large documents opened. */
const BURST_MS = 4_000;
/** What an update costs that was tried and not let in, which may have ended a thread. */
const REFUSED_MS = 1_000;

/** What each user's documents cost here, in time. */
export class UserCosts {
  readonly #budgets = new UserBudgets({ perSecond: MS_A_SECOND, burst: BURST_MS });

  /** @throws {AppError} `rate_limited` for who has taken more than there is */
  check(userId: string): void {
    const retryAfterMs = this.#budgets.waitMs(userId);
    if (retryAfterMs === 0) return;
    throw new AppError("rate_limited", "Your documents take too much time: slow down.", {
      retryAfterMs,
    });
  }

  /** Does the work at the user's cost, or at nobody's. */
  charge<T>(userId: string | undefined, work: () => T): T {
    if (userId === undefined) return work();
    const time = new SpentTime();
    try {
      return work();
    } finally {
      this.spend(userId, time.ms);
    }
  }

  /** An update was not let in after it was tried; one that could not be tried is nobody's fault. */
  refused(userId: string, why: unknown): void {
    if (why instanceof AppError && why.code === "unavailable") return;
    this.spend(userId, REFUSED_MS);
  }

  /** Work was done, without what it waited for others: a busy machine is nobody's fault. */
  spend(userId: string, costMs: number): void {
    this.#budgets.spend(userId, costMs);
  }
}
