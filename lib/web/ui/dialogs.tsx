import { useEffect, useRef } from "preact/hooks";
import { giveFocus } from "./focus.ts";
import { Observable, useValue } from "./observable.ts";

interface Question {
  /** What had the focus when it was asked, and gets it back. */
  opener: Element | null;
  title: string;
  message: string;
  yes: string;
  /** What is then done can't be taken back. */
  isDanger?: boolean;
  /** A text is asked for, and this is what stands there. */
  input?: { value: string; placeholder: string };
  answer(value: string | false): void;
}

const questions = new Observable<readonly Question[]>([]);

function ask(
  question: Omit<Question, "answer" | "opener">,
  signal?: AbortSignal,
): Promise<string | false> {
  return new Promise((resolve) => {
    const asked: Question = {
      ...question,
      opener: document.activeElement,
      answer(value) {
        signal?.removeEventListener("abort", giveUp);
        questions.value = questions.value.filter((other) => other !== asked);
        giveFocus(asked.opener);
        resolve(value);
      },
    };
    const giveUp = () => asked.answer(false);
    signal?.addEventListener("abort", giveUp);
    questions.value = [...questions.value, asked];
    if (signal?.aborted) giveUp();
  });
}

export async function confirm(
  { title, message, yes = "Yes", isDanger = false }: {
    title: string;
    message: string;
    yes?: string;
    isDanger?: boolean;
  },
): Promise<boolean> {
  return await ask({ title, message, yes, isDanger }) !== false;
}

/** `false`: no answer. `signal` takes the question back. */
export function askText(
  { title, message, placeholder, value, signal }: {
    title: string;
    message: string;
    placeholder: string;
    value: string;
    signal?: AbortSignal;
  },
): Promise<string | false> {
  return ask({ title, message, yes: "OK", input: { value, placeholder } }, signal);
}

/** Whoever was asked has gone: each question is answered by a no. */
export function closeDialogs(): void {
  for (const { answer } of questions.value) answer(false);
}

/** One question at a time, in the browser's own modal dialog: focus stays inside, Escape says no. */
export function Dialogs() {
  const [question] = useValue(questions);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (question && !dialog.current?.open) dialog.current?.showModal();
  }, [question]);
  if (!question) return null;
  const { title, message, yes, isDanger, input, answer } = question;
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onCancel={() => answer(false)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          answer(input ? String(new FormData(event.currentTarget).get("text") ?? "") : "yes");
        }}
      >
        <h2 id="dialog-title">{title}</h2>
        {message && <p>{message}</p>}
        {input && (
          <input
            name="text"
            aria-label={title}
            value={input.value}
            placeholder={input.placeholder}
            autofocus
          />
        )}
        <div class="buttons">
          <button type="button" class="quiet" onClick={() => answer(false)}>Cancel</button>
          <button type="submit" class={isDanger ? "primary danger" : "primary"}>{yes}</button>
        </div>
      </form>
    </dialog>
  );
}
