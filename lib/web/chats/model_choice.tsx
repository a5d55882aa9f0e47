import type { Model } from "../app_session.ts";
import { Icon } from "../ui/icons.tsx";

interface ModelChoiceProps {
  model: Model | undefined;
  /** Whether it is known which models there are. */
  isKnown: boolean;
  /** Why models of the server are missing. */
  problem: string | undefined;
  onOpen: () => void;
}

/** Says whom the next question goes to, and opens the choice of another. */
export function ModelChoice({ model, isKnown, problem, onOpen }: ModelChoiceProps) {
  const name = model?.name ?? (isKnown ? "No model" : "Looking for models…");
  return (
    <div class="choice">
      <button
        type="button"
        aria-haspopup="dialog"
        aria-label={`Model: ${name}`}
        title="Choose a model"
        onClick={onOpen}
      >
        <span class="choice-name" dir="auto">{name}</span>
        <Icon name="down" />
      </button>
      {!model && problem !== undefined && <span role="status">{problem}</span>}
    </div>
  );
}
