import { Icon } from "../ui/icons.tsx";
import type { WaitingQuestions } from "./waiting_questions.ts";

/** What waits for its turn, above where one writes; each can be taken back. */
export function WaitingList({ waiting }: { waiting: WaitingQuestions }) {
  const { questions, isHeld, remove, release } = waiting;
  if (questions.length === 0) return null;
  return (
    <section class="waiting-list" aria-label="Questions that wait">
      <p role="status">
        {isHeld
          ? "Not asked yet:"
          : questions.length === 1
          ? "Waits for the answer:"
          : `${questions.length} wait for their turn:`}
        {isHeld && <button type="button" class="link" onClick={release}>Ask what waits</button>}
      </p>
      <ul>
        {questions.map(({ id, text }) => (
          <li key={id}>
            <span dir="auto">{text}</span>
            <button
              type="button"
              class="icon-button"
              aria-label={`Take back: ${text.slice(0, 60)}`}
              title="Take back"
              onClick={() => remove(id)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
