import { KEEP, type KvCells } from "./kv_cells.ts";
import type { Lease } from "./state_store.ts";

/** Takes the lock unless somebody holds it; its end is the time that is stored with it. */
export async function kvAcquire(
  cells: KvCells,
  at: Deno.KvKey,
  ttlMs: number,
): Promise<Lease | undefined> {
  const owner = crypto.randomUUID();
  const taken = await cells.change<string, boolean>(
    at,
    (holder) =>
      holder === undefined ? { next: owner, result: true } : { next: KEEP, result: false },
    { ttlMs },
  );
  if (!taken) return undefined;
  const renew = () =>
    cells.change<string, boolean>(
      at,
      (holder) => holder === owner ? { next: owner, result: true } : { next: KEEP, result: false },
      { ttlMs },
    );
  const release = () =>
    cells.change<string, void>(
      at,
      (holder) => ({ next: holder === owner ? undefined : KEEP, result: undefined }),
    );
  return { owner, renew, release, [Symbol.asyncDispose]: release };
}
