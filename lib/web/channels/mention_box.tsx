import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { AppSession } from "../app_session.ts";
import { useSuggestions } from "../ui/use_suggestions.ts";
import { canBeMentioned, type Mentionable } from "./channel_mentions.ts";
import { findMentionables } from "./mentionables.ts";
import { Face } from "./face.tsx";

/** What is typed after an `@`, at most two words, right before the caret. */
const TYPED = /(?<![\p{L}\p{N}<])@((?:[\p{L}\p{N}_.'-]+(?: [\p{L}\p{N}_.'-]+)?)?)$/u;
const MAX_SHOWN = 8;

interface Typed {
  /** Where the `@` stands. */
  from: number;
  text: string;
}

interface MentionBoxProps {
  session: AppSession;
  /** Somebody was picked from the list. */
  onPick(picked: Mentionable): void;
  children: ComponentChildren;
}

/** Around a text field: `@` opens a list of people and models above it, as a combobox has one. */
export function MentionBox({ session, onPick, children }: MentionBoxProps) {
  const box = useRef<HTMLDivElement>(null);
  const listId = useId();
  const [typed, setTyped] = useState<Typed>();
  const field = () => box.current?.querySelector("textarea");
  const text = typed?.text;
  const { found, active, setActive } = useSuggestions(
    text,
    async (name) => (await findMentionables(session, name)).filter(canBeMentioned),
  );
  const options = typed ? found.slice(0, MAX_SHOWN) : [];
  const isOpen = options.length > 0;

  useEffect(() => {
    const area = field();
    if (!area) return;
    if (!isOpen) {
      for (const name of ["role", "aria-expanded", "aria-controls", "aria-activedescendant"]) {
        area.removeAttribute(name);
      }
      return;
    }
    area.setAttribute("role", "combobox");
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-expanded", "true");
    area.setAttribute("aria-controls", listId);
    area.setAttribute("aria-activedescendant", `${listId}-${active}`);
  }, [isOpen, active]);

  function look() {
    const area = field();
    const caret = area?.selectionStart ?? 0;
    const before = area && caret === area.selectionEnd ? area.value.slice(0, caret) : "";
    const match = TYPED.exec(before);
    setTyped(match ? { from: match.index, text: match[1] ?? "" } : undefined);
  }

  function pick(option: Mentionable) {
    const area = field();
    if (!area || !typed) return;
    area.focus();
    area.setRangeText(`@${option.name} `, typed.from, area.selectionStart, "end");
    onPick(option);
    // The field's owner learns of it as of any key.
    area.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }

  function onKeyDown(event: KeyboardEvent) {
    if (!(event.target instanceof HTMLTextAreaElement)) return;
    const { key } = event;
    const chosen = options[active];
    // A name that was typed out, and is one's alone, needs no choice: Enter sends.
    const isWhole = options.filter(({ name }) => isSame(name, text)).length === 1 &&
      isSame(chosen?.name, text);
    if (key === "Enter" && (!isOpen || isWhole)) return setTyped(undefined);
    if (!isOpen) return;
    if (key === "ArrowDown") setActive((active + 1) % options.length);
    else if (key === "ArrowUp") setActive((active + options.length - 1) % options.length);
    else if (key === "Escape") setTyped(undefined);
    else if ((key === "Enter" || key === "Tab") && chosen) pick(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div
      ref={box}
      class="mention-box"
      onInput={look}
      onClick={look}
      onKeyDownCapture={onKeyDown}
      onFocusOut={() => setTyped(undefined)}
    >
      {isOpen && (
        <ul class="mention-list" id={listId} role="listbox" aria-label="People and models">
          {options.map((option, at) => (
            <li
              key={`${option.kind}:${option.id}`}
              id={`${listId}-${at}`}
              role="option"
              aria-selected={at === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={(event) => {
                event.stopPropagation();
                pick(option);
              }}
            >
              <Face id={option.id} name={option.name} />
              <span dir="auto">{option.name}</span>
              {option.kind === "M" && <small>model</small>}
            </li>
          ))}
        </ul>
      )}
      {children}
    </div>
  );
}

const isSame = (name: string | undefined, typed: string | undefined): boolean =>
  name?.toLowerCase() === typed?.toLowerCase();
