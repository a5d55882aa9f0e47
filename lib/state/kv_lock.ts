import type { Clock } from "../common/clock.ts";
import { KEEP, type KvAtomicValues } from "./kv_atomic_values.ts";
import type { HeldLock } from "./state_store.ts";

/** How far the clocks of two instances may be apart. */
const MAX_SKEW_MS = 10_000;

interface Holder {
  owner: string;
  /** In milliseconds since the epoch. */
  endsAtMs: number;
}

/**
 * Takes the lock unless somebody holds it; its end is the time that is stored with it. An end further
 * away than a lock lives is void: it was written before the clock was set back.
 */
export async function kvAcquire(
  atomics: KvAtomicValues,
  clock: Clock,
  at: Deno.KvKey,
  ttlMs: number,
): Promise<HeldLock | undefined> {
  const owner = crypto.randomUUID();
  const isVoid = (holder: Holder) => holder.endsAtMs > clock.nowMs() + ttlMs + MAX_SKEW_MS;
  const takeFrom = (isFree: (holder: Holder | undefined) => boolean) =>
    atomics.change<Holder, boolean>(
      at,
      (holder) =>
        isFree(holder)
          ? { next: { owner, endsAtMs: clock.nowMs() + ttlMs }, result: true }
          : { next: KEEP, result: false },
      { ttlMs },
    );
  const isMine = (holder: Holder | undefined) => holder?.owner === owner;
  // It may have been taken by a commit whose answer was lost, and which was then repeated.
  const taken = await takeFrom((holder) => !holder || isMine(holder) || isVoid(holder));
  if (!taken) return undefined;
  const release = () =>
    atomics.change<Holder, void>(
      at,
      (holder) => ({ next: isMine(holder) ? undefined : KEEP, result: undefined }),
    );
  return { owner, renew: () => takeFrom(isMine), release, [Symbol.asyncDispose]: release };
}
