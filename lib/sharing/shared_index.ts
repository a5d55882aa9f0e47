import type { Clock } from "../common/clock.ts";
import { type AccessGrant, type Principal, principalName } from "../protocol/access_grants.ts";
import { principalsOf } from "./grants.ts";

/** Something with an owner that is shared by grants. */
export interface Shared {
  id: string;
  user_id: string;
  access_grants: AccessGrant[];
}

/** What is shared with one principal, ordered by the time at which it was put on top. */
export interface SharedList {
  put(entry: { member: string; score: number }): Promise<void>;
  remove(member: string): Promise<void>;
}

/**
 * The lists by which shared things are found: one for the owner and for each principal of the grants.
 * They are hints: written before the record, and taken away after it.
 */
export class SharedIndex {
  readonly #listOf: (principal: Principal) => SharedList;
  readonly #clock: Clock;

  constructor(listOf: (principal: Principal) => SharedList, clock: Clock) {
    this.#listOf = listOf;
    this.#clock = clock;
  }

  /** Puts the thing on top of everybody's list who may read it. */
  put(thing: Shared): Promise<void> {
    return this.#put(thing.id, readersOf(thing));
  }

  /** Takes the thing from all lists. */
  async remove(thing: Shared): Promise<void> {
    await Promise.all(readersOf(thing).map((one) => this.#listOf(one).remove(thing.id)));
  }

  /** Takes the thing from the lists of those who lost it, unless somebody gave it back meanwhile. */
  async regrant(
    before: Shared,
    after: Shared,
    readAgain: () => Promise<Shared | undefined>,
  ): Promise<void> {
    const lost = without(readersOf(before), readersOf(after));
    if (lost.length === 0) return;
    await Promise.all(lost.map((one) => this.#listOf(one).remove(after.id)));
    const now = await readAgain();
    const stillLost = now ? without(lost, readersOf(now)) : lost;
    await this.#put(after.id, without(lost, stillLost));
  }

  async #put(member: string, principals: readonly Principal[]): Promise<void> {
    const score = this.#clock.nowMs();
    await Promise.all(principals.map((one) => this.#listOf(one).put({ member, score })));
  }
}

function readersOf({ user_id, access_grants }: Shared): Principal[] {
  return principalsOf([{ principal_type: "user", principal_id: user_id }, ...access_grants]);
}

function without(all: readonly Principal[], these: readonly Principal[]): Principal[] {
  const names = new Set(these.map(principalName));
  return all.filter((one) => !names.has(principalName(one)));
}
