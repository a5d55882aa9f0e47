import { useMemo, useSyncExternalStore } from "react";
import type { Readable } from "../store.ts";

/** What there is now; the component is drawn again when it changes. */
export function useStore<S>(store: Readable<S>): S {
  const look = () => store.snapshot;
  return useSyncExternalStore(store.subscribe, look, look);
}

/** As {@linkcode useStore}, for what changes faster than anybody can see: drawn once a frame. */
export function useFrames<S>(store: Readable<S>): S {
  const subscribe = useMemo(() => oncePerFrame(store), [store]);
  const look = () => store.snapshot;
  return useSyncExternalStore(subscribe, look, look);
}

/** How often what is not seen is drawn, in milliseconds: a page in the background has no frames. */
const UNSEEN_MS = 200;

function oncePerFrame({ subscribe }: Readable<unknown>): Readable<unknown>["subscribe"] {
  return (listener) => {
    let cancel: (() => void) | undefined;
    const draw = () => {
      cancel = undefined;
      listener();
    };
    const off = subscribe(() => {
      if (cancel) return;
      if (document.visibilityState === "visible") {
        const frame = requestAnimationFrame(draw);
        cancel = () => cancelAnimationFrame(frame);
      } else {
        const timer = setTimeout(draw, UNSEEN_MS);
        cancel = () => clearTimeout(timer);
      }
    });
    return () => {
      off();
      cancel?.();
    };
  };
}
