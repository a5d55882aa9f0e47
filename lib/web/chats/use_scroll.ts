import { type RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** How near the end one must be to be taken along by what streams, in pixels. */
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
 * Stays at the end while text streams in, unless one has scrolled away from it. What one says oneself
 * brings one back; what is read again after a reconnect does not.
 */
export function useScroll(chatId: string | undefined, saidHere: number): Scroll {
  const area = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const onScroll = () => {
      const left = element.scrollHeight - element.scrollTop - element.clientHeight;
      isAtEnd.current = left < NEAR_END;
      setAway(left > AWAY);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, []);
  useLayoutEffect(() => {
    isAtEnd.current = true;
    setAway(false);
  }, [chatId, saidHere]);
  // After each drawing, before it is seen.
  useLayoutEffect(() => {
    const element = area.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  });
  const toEnd = () => {
    isAtEnd.current = true;
    setAway(false);
    const element = area.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  return { area, isAway, toEnd };
}
