/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { applyTheme } from "./settings.ts";
import { assetFailed } from "./version.ts";

/** A page that is not in front has no frames. */
const NO_FRAME_MS = 1_000;

/**
 * Resolves once something is on the screen. All of the page is here by then, as a rule; to run it takes
 * a slow processor the better part of a second, in which nothing can be painted.
 */
function firstFrame(): Promise<void> {
  return new Promise((resolve) => {
    if (document.visibilityState === "hidden") return resolve();
    const timer = setTimeout(resolve, NO_FRAME_MS);
    requestAnimationFrame(() => {
      clearTimeout(timer);
      // Behind the painting of the frame that this belongs to.
      setTimeout(resolve);
    });
  });
}

applyTheme();
await firstFrame();
try {
  const { begin } = await import("./begin.tsx");
  begin();
} catch (thrown) {
  assetFailed();
  throw thrown;
}
