import { useEffect, useRef, useState } from "preact/hooks";

/** A person types faster than a server need answer. */
const SEARCH_AFTER_MS = 100;

interface Suggestions<T> {
  /** What was found last; nothing, as long as nothing is looked for. */
  found: readonly T[];
  /** Which of them the arrows have come to. */
  active: number;
  setActive(active: number): void;
}

/**
 * What is found for a text that is being typed; `undefined`: nothing is looked for. What `find` throws
 * finds nothing new: without a connection a name is typed out as any other word, and the next letter
 * asks again.
 */
export function useSuggestions<T>(
  text: string | undefined,
  find: (text: string) => Promise<readonly T[]>,
): Suggestions<T> {
  const [found, setFound] = useState<readonly T[]>([]);
  const [active, setActive] = useState(0);
  const latest = useRef(find);
  latest.current = find;
  useEffect(() => {
    if (text === undefined) return setFound([]);
    let isWanted = true;
    const timer = setTimeout(() => {
      latest.current(text).then((all) => {
        if (!isWanted) return;
        setFound(all);
        setActive(0);
      }, () => {});
    }, SEARCH_AFTER_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [text]);
  return { found, active, setActive };
}
