import { KEEP, type KvAtomicValues } from "./kv_atomic_values.ts";
import type { HeldLock } from "./state_store.ts";

/** Takes the lock unless somebody holds it; its end is the time that is stored with it. */
export async function kvAcquire(
  atomics: KvAtomicValues,
  at: Deno.KvKey,
  ttlMs: number,
): Promise<HeldLock | undefined> {
  const owner = crypto.randomUUID();
  const takeFrom = (isMine: (holder: string | undefined) => boolean) =>
    atomics.change<string, boolean>(
      at,
      (holder) => isMine(holder) ? { next: owner, result: true } : { next: KEEP, result: false },
      { ttlMs },
    );
  const renew = () => takeFrom((holder) => holder === owner);
  // It may have been taken by a commit whose answer was lost, and which was then repeated.
  const taken = await takeFrom((holder) => holder === undefined || holder === owner);
  if (!taken) return undefined;
  const release = () =>
    atomics.change<string, void>(
      at,
      (holder) => ({ next: holder === owner ? undefined : KEEP, result: undefined }),
    );
  return { owner, renew, release, [Symbol.asyncDispose]: release };
}
