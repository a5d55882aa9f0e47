import { AppError } from "../common/errors.ts";
import { pause } from "../common/pause.ts";
import { keys } from "../state/key_space.ts";
import type { HeldLock, SortedIndex, StateStore } from "../state/state_store.ts";

const LOCK_TTL_MS = 10_000;
const LOCK_WAIT_MS = 3_000;
const LOCK_EVERY_MS = 20;

/**
 * Who is an admin. The index is a hint that may name too many, never too few; a user's own record
 * is the truth. Once there was an admin there always is one.
 */
export class Admins {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** Call before the record says so. */
  async add(userId: string): Promise<void> {
    await this.#index().put({ member: userId, score: 0 });
  }

  /** Call after the record no longer says so. */
  async remove(userId: string): Promise<void> {
    await this.#index().remove(userId);
  }

  /** Whether anybody is an admin, beside the one who is left out. */
  async exists({ except }: { except?: string } = {}): Promise<boolean> {
    let cursor: string | undefined;
    do {
      const page = await this.#index().page({ cursor });
      const ids = page.entries.map(({ member }) => member).filter((id) => id !== except);
      const records = await this.#store.values.getMany(ids.map(keys.user));
      if (records.some((record) => record?.role === "admin")) return true;
      cursor = page.cursor;
    } while (cursor !== undefined);
    return false;
  }

  /** @throws {AppError} `conflict` when the user is the only admin */
  async requireAnother(userId: string): Promise<void> {
    if (await this.exists({ except: userId })) return;
    throw new AppError("conflict", "The last admin can be neither demoted nor deleted.");
  }

  /**
   * Changes of roles happen one after another, on all instances: two admins who demote each other
   * at once would otherwise leave none.
   *
   * @throws {AppError} `unavailable` when others hold the lock for three seconds
   */
  async lock(): Promise<HeldLock> {
    const end = performance.now() + LOCK_WAIT_MS;
    while (true) {
      const lock = await this.#store.acquire(keys.userRolesLock, { ttlMs: LOCK_TTL_MS });
      if (lock) return lock;
      if (performance.now() > end) {
        throw new AppError("unavailable", "Roles are being changed: try again.", {
          retryAfterMs: 1_000,
        });
      }
      await pause(LOCK_EVERY_MS);
    }
  }

  #index(): SortedIndex {
    return this.#store.sortedIndex(keys.admins);
  }
}
