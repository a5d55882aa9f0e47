import type { CaughtUp } from "./comeback.ts";
import type { DocumentStatus } from "./document_status.ts";

/** What is said of a document that takes longer: it goes on trying. */
const LIMIT_MS = 10_000;

interface Syncing {
  retry(): void;
  onStatus(listener: (status: DocumentStatus) => void): () => void;
}

/** Joins again after a break; whole once each side has all that the other had. */
export function caughtUp(provider: Syncing): Promise<CaughtUp> {
  provider.retry();
  return new Promise((resolve) => {
    const end = (caughtUp: CaughtUp) => {
      clearTimeout(timer);
      // The first status is told before there is anything to end.
      queueMicrotask(() => off());
      resolve(caughtUp);
    };
    const timer = setTimeout(() => end("failed"), LIMIT_MS);
    const off = provider.onStatus(({ state }) => {
      if (state === "synced") end("whole");
      else if (state === "refused") end("failed");
    });
  });
}
