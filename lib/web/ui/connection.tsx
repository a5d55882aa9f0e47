import { useEffect, useRef, useState } from "preact/hooks";
import type { Comeback } from "../../client/comeback.ts";
import type { Connection, ConnectionState } from "../../client/connection.ts";
import { useStore } from "../../client/react/use_store.ts";

const LIGHTS: Record<ConnectionState, string> = {
  online: "Connected",
  connecting: "Connecting",
  offline: "No connection",
  signed_out: "Signed out",
  closed: "Closed",
};
/** A hiccup that is over by then is not told. */
const HICCUP_MS = 1_500;
/** How long it is said that the connection is back. */
const BACK_MS = 6_000;

const BACK: Record<Comeback["outcome"], string> = {
  resumed: "Resumed, nothing lost.",
  reloaded: "Back. What you see was read anew.",
  failed: "Back, but not everything could be read.",
};

/** How the connection is: a colour, and the same in words. */
export function ConnectionLight({ connection }: { connection: Connection }) {
  const { state, since } = useStore(connection);
  const isOnline = state === "online";
  const text = isOnline ? LIGHTS.online : `${LIGHTS[state]} for ${useAge(since, isOnline)}`;
  return (
    <span class="connection" title={text}>
      {!isOnline && (
        <small aria-hidden="true">{state === "offline" ? "Offline" : LIGHTS[state]}</small>
      )}
      <span class={`light ${state}`} role="img" aria-label={text} />
    </span>
  );
}

/** Said once being offline lasts longer than a hiccup, and once it is over; stands over the page. */
export function ConnectionNotice({ connection }: { connection: Connection }) {
  const { state, since } = useStore(connection);
  const isOnline = state === "online";
  const isLate = useLate(isOnline);
  const [back, forget] = useComeback(connection);
  const age = useAge(since, isOnline || !isLate);
  const isAway = !isOnline && isLate;
  // Always there: what comes into a status that has just come is not read aloud.
  return (
    <div role="status">
      {isAway
        ? (
          <p class="notice away">
            No connection. You can read what is here; it goes on by itself.
            <span class="age" aria-hidden="true">{age}</span>
          </p>
        )
        : back && isOnline && (
          <p class={`notice ${back.outcome}`}>
            {BACK[back.outcome]}
            {back.outcome === "failed" && (
              <button
                type="button"
                class="link"
                onClick={() => location.reload()}
              >
                Load the page again
              </button>
            )}
            <button type="button" class="link" onClick={forget}>OK</button>
          </p>
        )}
    </div>
  );
}

/** Whether there has been no connection for longer than a hiccup. */
function useLate(isOnline: boolean): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (isOnline) return;
    const timer = setTimeout(() => setLate(true), HICCUP_MS);
    return () => clearTimeout(timer);
  }, [isOnline]);
  return isLate;
}

/** What became of the last break, for as long as it is worth saying. */
function useComeback(connection: Connection): [Comeback | undefined, () => void] {
  const [back, setBack] = useState<Comeback>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const forget = () => {
    clearTimeout(timer.current);
    setBack(undefined);
  };
  useEffect(() => {
    const off = connection.onComeback((comeback) => {
      clearTimeout(timer.current);
      // Nobody has noticed, and nothing was lost.
      if (comeback.outcome === "resumed" && comeback.awayMs < HICCUP_MS) return setBack(undefined);
      setBack(comeback);
      if (comeback.outcome !== "failed") timer.current = setTimeout(forget, BACK_MS);
    });
    return () => {
      off();
      clearTimeout(timer.current);
    };
  }, [connection]);
  return [back, forget];
}

/** How long that has been, drawn again every second unless it is `still`. */
function useAge(since: number, isStill: boolean): string {
  const [, draw] = useState(0);
  useEffect(() => {
    if (isStill) return;
    const timer = setInterval(() => draw((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, [since, isStill]);
  const seconds = Math.max(0, Math.round((Date.now() - since) / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}
