import { useEffect, useState } from "preact/hooks";
import { MarkdownView } from "../text/markdown_view.tsx";

interface ThoughtsProps {
  text: string;
  /** The model is still thinking. */
  isOpen: boolean;
  /** How long it has thought; `undefined`: it is not known. */
  ms?: number | undefined;
}

/** What a model thought, folded: how long, and its last line. Read only by who opens it. */
export function Thoughts({ text, isOpen, ms }: ThoughtsProps) {
  const [isUnfolded, setUnfolded] = useState(false);
  const seenMs = useSeenFor(isOpen);
  const shown = ms ?? (seenMs > 0 ? seenMs : undefined);
  const time = shown === undefined ? "" : ` for ${seconds(shown)}`;
  return (
    <details class="reasoning" onToggle={(event) => setUnfolded(event.currentTarget.open)}>
      <summary>
        <span class="reasoning-time">
          {isOpen ? `Thinking${time}…` : shown === undefined ? "Thoughts" : `Thought${time}`}
        </span>
        {!isUnfolded && <span class="reasoning-last" dir="auto">{lastLine(text)}</span>}
      </summary>
      {isUnfolded && <MarkdownView text={text} isGrowing={isOpen} />}
    </details>
  );
}

/** For how many milliseconds this has been seen to go on, in whole seconds. */
function useSeenFor(isGoingOn: boolean): number {
  const [ms, setMs] = useState(0);
  useEffect(() => {
    if (!isGoingOn) return;
    const begunMs = performance.now();
    const timer = setInterval(
      () => setMs(Math.round((performance.now() - begunMs) / 1_000) * 1_000),
      1_000,
    );
    return () => clearInterval(timer);
  }, [isGoingOn]);
  return ms;
}

function seconds(ms: number): string {
  if (ms < 950) return "less than a second";
  const whole = Math.round(ms / 1_000);
  if (whole < 60) return whole === 1 ? "1 second" : `${whole} seconds`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** So much of a text is looked at for its last line. */
const LAST = 400;

function lastLine(text: string): string {
  const lines = text.slice(-LAST).trimEnd().split("\n");
  return (lines.at(-1) ?? "").replace(/^[\s#>*-]+|[*_`]+/g, "");
}
