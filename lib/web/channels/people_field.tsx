import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { PublicUser } from "../../protocol/user.ts";
import type { AppSession } from "../app_session.ts";
import { Icon } from "../ui/icons.tsx";
import { Face } from "./face.tsx";
import { meet } from "./mentionables.ts";

interface PeopleFieldProps {
  session: AppSession;
  label: string;
  chosen: readonly PublicUser[];
  onChange(chosen: readonly PublicUser[]): void;
  /** Who is not offered: oneself always is one of them. */
  except?: readonly string[];
}

const MAX_SHOWN = 6;
const SEARCH_AFTER_MS = 100;

/** Where one finds people by name and picks some, as a combobox; who was picked stands above. */
export function PeopleField({ session, label, chosen, onChange, except = [] }: PeopleFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const [text, setText] = useState("");
  const [found, setFound] = useState<readonly PublicUser[]>([]);
  const [isLooking, setLooking] = useState(false);
  const [active, setActive] = useState(0);
  const taken = new Set([session.me.id, ...except, ...chosen.map((person) => person.id)]);
  const options = found.filter((person) => !taken.has(person.id)).slice(0, MAX_SHOWN);
  const isOpen = isLooking && options.length > 0;

  useEffect(() => {
    if (!isLooking) return;
    let isWanted = true;
    const timer = setTimeout(() => {
      session.api("GET /api/v1/users/search", { query: { query: text } }).then(({ users }) => {
        if (!isWanted) return;
        meet(session, users);
        setFound(users);
        setActive(0);
      }, () => {
        // Nobody is found without a connection.
      });
    }, SEARCH_AFTER_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [session, text, isLooking]);

  function pick(person: PublicUser | undefined) {
    if (!person) return;
    onChange([...chosen, person]);
    setText("");
    field.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    const { key } = event;
    if (key === "Backspace" && text === "" && chosen.length > 0) onChange(chosen.slice(0, -1));
    else if (!isOpen) return;
    else if (key === "ArrowDown") setActive((active + 1) % options.length);
    else if (key === "ArrowUp") setActive((active + options.length - 1) % options.length);
    else if (key === "Escape") setLooking(false);
    else if (key === "Enter") pick(options[active]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class="people-field">
      <label for={`${id}-field`}>{label}</label>
      {chosen.length > 0 && (
        <ul class="chosen" aria-label="Chosen">
          {chosen.map((person) => (
            <li key={person.id}>
              <Face id={person.id} name={person.name} />
              <span dir="auto">{person.name}</span>
              <button
                type="button"
                class="icon-button"
                aria-label={`Take ${person.name} out`}
                onClick={() => {
                  onChange(chosen.filter((other) => other !== person));
                  field.current?.focus();
                }}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
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
        onFocus={() => setLooking(true)}
        onBlur={() => setLooking(false)}
        onKeyDown={onKeyDown}
      />
      <ul
        class="mention-list below"
        id={`${id}-list`}
        role="listbox"
        aria-label={label}
        hidden={!isOpen}
      >
        {isOpen && options.map((person, at) => (
          <li
            key={person.id}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(person)}
          >
            <Face id={person.id} name={person.name} />
            <span dir="auto">{person.name}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
