import type { ComponentChildren, RefObject } from "preact";
import { useId, useState } from "preact/hooks";
import { useSuggestions } from "./use_suggestions.ts";

export interface NameFieldProps<T> {
  label: string;
  listLabel: string;
  field: RefObject<HTMLInputElement | null>;
  /** What has such a name. What it throws finds nothing: the next letter asks again. */
  find(text: string): Promise<readonly T[]>;
  keyOf(one: T): string;
  /** The keys of what is not offered. */
  except: ReadonlySet<string>;
  onPick(one: T): void;
  /** Backspace in the empty field; returns whether it was of use. */
  onBackspace?(): boolean;
  /** Whether the list comes with the focus, and stays for the next one. Default: it comes with a click. */
  isForSeveral?: boolean;
  /** How one is drawn in the list. */
  draw(one: T): ComponentChildren;
  /** What stands between the label and the field. */
  children?: ComponentChildren;
}

const MAX_SHOWN = 6;

/** Where something is found by its name, as a combobox; what is picked is given on at once. */
export function NameField<T>(props: NameFieldProps<T>) {
  const { label, listLabel, field, keyOf, except, onPick, onBackspace, draw, children } = props;
  const { isForSeveral = false } = props;
  const id = useId();
  const [text, setText] = useState("");
  const [isLooking, setLooking] = useState(false);
  const { found, active, setActive } = useSuggestions(isLooking ? text : undefined, props.find);
  const options = found.filter((one) => !except.has(keyOf(one))).slice(0, MAX_SHOWN);
  const isOpen = isLooking && options.length > 0;

  function pick(one: T | undefined) {
    if (!one) return;
    onPick(one);
    setText("");
    if (!isForSeveral) setLooking(false);
    field.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    const isTaken = event.key === "Backspace" && text === "" && onBackspace?.();
    if (!isTaken) {
      if (!isOpen) return;
      const step = { ArrowDown: 1, ArrowUp: options.length - 1 }[event.key];
      if (step !== undefined) setActive((active + step) % options.length);
      else if (event.key === "Escape") setLooking(false);
      else if (event.key === "Enter") pick(options[active]);
      else return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class="people-field">
      <label for={`${id}-field`}>{label}</label>
      {children}
      <input
        ref={field}
        id={`${id}-field`}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-activedescendant={isOpen ? `${id}-${active}` : undefined}
        autocomplete="off"
        placeholder="A name"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setLooking(true);
        }}
        onFocus={isForSeveral ? () => setLooking(true) : undefined}
        onClick={isForSeveral ? undefined : () => setLooking(true)}
        onBlur={() => setLooking(false)}
        onKeyDown={onKeyDown}
      />
      <ul
        class="mention-list below"
        id={`${id}-list`}
        role="listbox"
        aria-label={listLabel}
        hidden={!isOpen}
      >
        {isOpen && options.map((one, at) => (
          <li
            key={keyOf(one)}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(one)}
          >
            {draw(one)}
          </li>
        ))}
      </ul>
    </div>
  );
}
