import type { Clock } from "../common/clock.ts";
import type { UniqueClaim } from "../state/records.ts";
import type { Key, StateStore } from "../state/state_store.ts";

/** A claim is followed by its user's record within milliseconds; after this, nobody will write it. */
const ABANDONED_AFTER_MS = 30_000;

/**
 * Takes the claim for the user, in one atomic step; says whether the user has it. A claim whose
 * user never came, because an instance died in between, can be taken over.
 */
export async function takeClaim(
  { values }: StateStore,
  key: Key<UniqueClaim>,
  userId: string,
  { clock, isHeld }: { clock: Clock; isHeld: (claim: UniqueClaim) => Promise<boolean> },
): Promise<boolean> {
  const mine: UniqueClaim = { id: userId, claimed_at_ms: clock.nowMs() };
  if (await values.setIfAbsent(key, mine)) return true;
  const found = await values.get(key);
  // It was given back meanwhile, or it can't be read: then whoever has it keeps it.
  if (!found) return await values.setIfAbsent(key, mine);
  if (found.id !== userId) {
    if (Math.abs(clock.nowMs() - found.claimed_at_ms) < ABANDONED_AFTER_MS) return false;
    if (await isHeld(found)) return false;
  }
  const kept = await values.update(
    key,
    (now) => now === undefined || isSame(now, found) ? mine : now,
  );
  return kept?.id === userId;
}

/** Gives the claim back, if the user still has it. */
export async function dropClaim(
  { values }: StateStore,
  key: Key<UniqueClaim>,
  userId: string,
): Promise<void> {
  await values.update(key, (now) => now?.id === userId ? undefined : now);
}

function isSame(one: UniqueClaim, other: UniqueClaim): boolean {
  return one.id === other.id && one.claimed_at_ms === other.claimed_at_ms;
}
