import { type RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** How near the end one must be to be taken along, in pixels. */
const NEAR_END = 80;
/** How far from the end one must be to be offered the way back, in pixels. */
const AWAY = 400;

export interface Scroll {
  area: RefObject<HTMLDivElement | null>;
  /** One reads further up. */
  isAway: boolean;
  toEnd(): void;
}

/**
 * Stays at the end, whatever comes there, unless one reads further up; there the post that is read
 * stays where it is, whatever comes or goes above it. Another `place` begins at its end: a new one
 * brings one back there, too.
 */
export function useScroll(place: string): Scroll {
  const area = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const kept = useRef<{ post: Element; top: number }>(undefined);
  const [isAway, setAway] = useState(false);
  const keep = (element: Element) =>
    kept.current = isAtEnd.current ? undefined : firstInView(element);
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const onScroll = () => {
      const left = element.scrollHeight - element.scrollTop - element.clientHeight;
      isAtEnd.current = left < NEAR_END;
      setAway(left > AWAY);
      keep(element);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, [place]);
  useLayoutEffect(() => {
    isAtEnd.current = true;
    setAway(false);
  }, [place]);
  // After each drawing, before it is seen.
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    const { post, top } = kept.current ?? {};
    if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    // Nothing, where the browser has kept the place by itself.
    else if (post?.isConnected && top !== undefined) element.scrollTop += topOf(post) - top;
    keep(element);
  });
  const toEnd = () => {
    isAtEnd.current = true;
    setAway(false);
    const element = area.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  return { area, isAway, toEnd };
}

const topOf = (element: Element) => element.getBoundingClientRect().top;

function firstInView(area: Element): { post: Element; top: number } | undefined {
  const top = topOf(area);
  for (const post of area.querySelectorAll(".post")) {
    if (post.getBoundingClientRect().bottom > top) return { post, top: topOf(post) };
  }
}
