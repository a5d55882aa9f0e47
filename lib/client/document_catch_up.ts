import type { CaughtUp } from "./comeback.ts";
import type { DocumentStatus } from "./document_status.ts";

/** What is said of a document that takes longer: it goes on trying. */
const LIMIT_MS = 10_000;

interface Syncing {
  retry(): void;
  onStatus(listener: (status: DocumentStatus) => void): () => void;
}

/** Joins again after a break; whole once each side has all that the other had. */
export async function caughtUp(provider: Syncing): Promise<CaughtUp> {
  provider.retry();
  return await isSynced(provider) ? "whole" : "failed";
}

/** Waits until each side has all that the other has; `false` when it is refused, or takes longer. */
export function isSynced(provider: Pick<Syncing, "onStatus">): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isIt: boolean) => {
      clearTimeout(timer);
      // The first status is told before there is anything to end.
      queueMicrotask(() => off());
      resolve(isIt);
    };
    const timer = setTimeout(() => end(false), LIMIT_MS);
    const off = provider.onStatus(({ state }) => {
      if (state === "synced" || state === "refused") end(state === "synced");
    });
  });
}
