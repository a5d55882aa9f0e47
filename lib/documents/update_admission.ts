import { AppError } from "../common/errors.ts";
import type { Member } from "./members.ts";
import type { UpdateGuard } from "./update_guard.ts";
import type { UpdateSize } from "./update_scan.ts";
import type { UserCosts } from "./user_costs.ts";
import type { WeighedDoc } from "./weighed_doc.ts";

/** An update that wants to be let in. */
export interface Candidate {
  /** The document as it is by then. */
  doc(): WeighedDoc;
  update: Uint8Array;
  by: Member | undefined;
  /** Applies the update, in the turn in which it is called; resolves when it is kept. */
  take(): Promise<void>;
}

/**
 * Lets updates into a document, each writer's in their order, and at their cost. Those that have to be
 * tried are, one after another: each with what the one before it has brought.
 */
export class UpdateAdmission {
  readonly #guard: UpdateGuard;
  readonly #costs: UserCosts;
  /** Updates that are tried, by the socket: what it sends next waits for them. */
  readonly #trials = new Map<string | undefined, Promise<void>>();
  /** Resolves when the last of them has been taken, or refused. */
  #turn: Promise<void> = Promise.resolve();

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
   * Has the update taken: at once as a rule, or once it has been tried, after those of the same writer
   * that came before. Resolves when it is kept.
   *
   * @throws {AppError} as {@linkcode UpdateGuard.check}, here or by the promise; `rate_limited`,
   * `forbidden` for who may not write any more
   */
  admit(candidate: Candidate): Promise<void> {
    const { doc, update, by, take } = candidate;
    const before = this.#trials.get(by?.sid);
    if (before) return before.then(() => this.admit(candidate));
    if (by) this.#costs.check(by.userId);
    const costly = this.#costs.charge(by?.userId, () => this.#guard.check(doc(), update));
    return costly ? this.#tried(candidate, costly) : take();
  }

  async #tried(candidate: Candidate, size: UpdateSize): Promise<void> {
    const { by, take } = candidate;
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    this.#trials.set(by?.sid, promise);
    try {
      await before;
      await this.#try(candidate, size);
      if (by?.canWrite === false) throw new AppError("forbidden", "You may not change this note.");
      // Whatever waits for this one finds it in the document.
      return take();
    } finally {
      this.#trials.delete(by?.sid);
      resolve();
    }
  }

  async #try({ doc, update, by }: Candidate, size: UpdateSize): Promise<void> {
    // Those before it may have been the same user's.
    if (by) this.#costs.check(by.userId);
    try {
      const tookMs = await this.#guard.try(doc, update, size);
      if (by) this.#costs.spend(by.userId, tookMs);
    } catch (thrown) {
      if (by) this.#costs.refused(by.userId, thrown);
      throw thrown;
    }
  }
}
