import { type RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** How near the end one must be to be taken along, in pixels. */
const NEAR_END = 80;

export interface ChannelScroll {
  area: RefObject<HTMLDivElement | null>;
  /** One reads further up. */
  isAway: boolean;
  toEnd(): void;
}

/**
 * Stays at the newest message unless one reads further up; there, what is read stays where it is,
 * whatever comes or goes above it.
 */
export function useChannelScroll(place: string): ChannelScroll {
  const area = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const kept = useRef<{ post: Element; top: number }>(undefined);
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    isAtEnd.current = true;
    setAway(false);
    const element = area.current;
    const onScroll = () => {
      if (!element) return;
      const left = element.scrollHeight - element.scrollTop - element.clientHeight;
      isAtEnd.current = left < NEAR_END;
      setAway(left > element.clientHeight);
      kept.current = firstInView(element);
    };
    element?.addEventListener("scroll", onScroll, { passive: true });
    return () => element?.removeEventListener("scroll", onScroll);
  }, [place]);
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    const { post, top } = kept.current ?? {};
    if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    // Nothing, where the browser has kept the place by itself.
    else if (post?.isConnected && top !== undefined) element.scrollTop += topOf(post) - top;
    kept.current = firstInView(element);
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
