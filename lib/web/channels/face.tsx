import { colourOf, initialsOf } from "../ui/colours.ts";

/** Somebody's initials in their colour; the name stands beside it. */
export function Face({ id, name, class: size = "small" }: {
  id: string;
  name: string;
  class?: string;
}) {
  return (
    <span class={`avatar ${size}`} aria-hidden="true" style={{ background: colourOf(id) }}>
      {initialsOf(name)}
    </span>
  );
}
