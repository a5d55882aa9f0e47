import { Icon } from "../ui/icons.tsx";

interface SiblingsProps {
  what: "question" | "answer";
  /** All alternatives, in their order. */
  siblings: readonly string[];
  /** The one that is shown. */
  id: string;
  /** Left out: nobody can go there. */
  onShow?: ((id: string) => void) | undefined;
}

/** ‹ 2 / 3 ›: the way from one branch to the next. Nothing where there is only one. */
export function Siblings({ what, siblings, id, onShow }: SiblingsProps) {
  if (siblings.length < 2 || !onShow) return null;
  const at = siblings.indexOf(id);
  const step = (by: number, icon: "back" | "next", label: string) => {
    const to = siblings[at + by];
    return (
      <button
        type="button"
        class="icon-button"
        aria-label={label}
        title={label}
        disabled={to === undefined}
        onClick={() => to !== undefined && onShow(to)}
      >
        <Icon name={icon} />
      </button>
    );
  };
  return (
    <span class="siblings">
      {step(-1, "back", `The ${what} before`)}
      <span>{at + 1} / {siblings.length}</span>
      {step(1, "next", `The next ${what}`)}
    </span>
  );
}
