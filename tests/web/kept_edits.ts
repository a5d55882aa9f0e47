/// <reference lib="dom" />
import type { Page } from "playwright-core";

/** How many kept edits there are in this browser. */
export const keptOf = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const [found] = await indexedDB.databases();
    if (!found?.name) return 0;
    const opening = indexedDB.open(found.name);
    await new Promise((resolve) => opening.onsuccess = resolve);
    const counting = opening.result.transaction("edits").objectStore("edits").count();
    await new Promise((resolve) => counting.onsuccess = resolve);
    opening.result.close();
    return counting.result;
  });

/** What the browser itself says of a network that is gone. */
export const LOST =
  /WebSocket connection to .* failed|net::ERR_(CONNECTION|EMPTY|SOCKET|ABORTED|FAILED)/;
