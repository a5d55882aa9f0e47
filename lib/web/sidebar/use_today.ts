import { useEffect, useState } from "preact/hooks";

/** Now, renewed when the day has changed: a page may stay open over midnight. */
export function useToday(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    const timer = setTimeout(() => setNow(new Date()), midnight.getTime() - now.getTime() + 1_000);
    // A machine that slept has slept over its timers, too.
    const look = () => {
      if (new Date().toDateString() !== now.toDateString()) setNow(new Date());
    };
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [now]);
  return now;
}
