import { AppError } from "../common/errors.ts";
import type { Member } from "./members.ts";
import type { UpdateGuard } from "./update_guard.ts";
import type { UserCosts } from "./user_costs.ts";
import type { WeighedDoc } from "./weighed_doc.ts";

/** Lets updates into a document, each writer's in their order, and at their cost. */
export class UpdateAdmission {
  readonly #guard: UpdateGuard;
  readonly #costs: UserCosts;
  /** Updates that are tried, by the socket: what it sends next waits for them. */
  readonly #trials = new Map<string | undefined, Promise<unknown>>();

  constructor(guard: UpdateGuard, costs: UserCosts) {
    this.#guard = guard;
    this.#costs = costs;
  }

  /** Whether an update is tried. */
  get isBusy(): boolean {
    return this.#trials.size > 0;
  }

  /** Resolves when those that are tried now have been. */
  async idle(): Promise<void> {
    await Promise.all(this.#trials.values());
  }

  /**
   * Whether the update may be applied: at once as a rule (`undefined`), or once the promise has
   * resolved, after those that came before.
   *
   * @throws {AppError} as {@linkcode UpdateGuard.check}, here or by the promise; `rate_limited`,
   * `forbidden` for who may not write any more
   */
  admit(
    doc: () => WeighedDoc,
    update: Uint8Array,
    by: Member | undefined,
  ): Promise<void> | undefined {
    const before = this.#trials.get(by?.sid);
    if (before) return before.then(() => this.admit(doc, update, by));
    if (by) this.#costs.check(by.userId);
    const trial = this.#costs.charge(by?.userId, () => this.#guard.check(doc(), update));
    return trial && this.#tried(trial, by);
  }

  async #tried(trial: Promise<number>, by: Member | undefined): Promise<void> {
    this.#trials.set(by?.sid, trial.catch(() => {}));
    try {
      const tookMs = await trial;
      if (by) this.#costs.spend(by.userId, tookMs);
    } catch (thrown) {
      if (by) this.#costs.refused(by.userId, thrown);
      throw thrown;
    } finally {
      this.#trials.delete(by?.sid);
    }
    if (by?.canWrite === false) throw new AppError("forbidden", "You may not change this note.");
  }
}
