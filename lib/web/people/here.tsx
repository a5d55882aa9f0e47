import type { LookedAt } from "../../client/viewers.ts";
import { useViewers } from "../../client/react/use_presence.ts";
import { colourOf, initialsOf } from "../ui/colours.ts";
import { useVisible } from "../ui/visible.ts";

/** Faces that are shown; the others are counted. */
const MAX_FACES = 4;

interface HereProps {
  /** What is looked at; `undefined`: nothing that has a name yet. */
  place: LookedAt | undefined;
  meId: string;
}

/** Who else looks at this just now. Whoever has the tab in the background does not look. */
export function Here({ place, meId }: HereProps) {
  const { users, total } = useViewers(useVisible() ? place : undefined);
  const others = users.filter(({ id }) => id !== meId);
  const isElsewhere = (users.find(({ id }) => id === meId)?.sessions ?? 1) > 1;
  const hidden = Math.max(0, total - (users.length - others.length) - MAX_FACES);
  const shown = others.slice(0, MAX_FACES);
  const names = [
    ...shown.map(({ name }) => name),
    ...(hidden > 0 ? [`${hidden} more`] : []),
    ...(isElsewhere ? ["you, elsewhere"] : []),
  ];
  if (names.length === 0) return null;
  const text = `Here now: ${names.join(", ")}`;
  return (
    <span class="here" role="img" aria-label={text} title={text}>
      {shown.map(({ id, name }) => (
        <span key={id} class="avatar tiny" style={{ background: colourOf(id) }}>
          {initialsOf(name)}
        </span>
      ))}
      {hidden > 0 && <span class="avatar tiny more">+{hidden}</span>}
      {isElsewhere && shown.length === 0 && <span class="elsewhere">Also open elsewhere</span>}
    </span>
  );
}

/** A small light beside a name; says nothing of who is not there. */
export function OnlineMark({ isOnline }: { isOnline: boolean }) {
  return isOnline
    ? <span class="online-mark" role="img" aria-label="online" title="Online" />
    : null;
}
