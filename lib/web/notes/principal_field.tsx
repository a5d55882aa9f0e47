import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type NamedPrincipal, principalName } from "../../protocol/access_grants.ts";
import type { AppSession } from "../app_session.ts";
import { Face } from "../channels/face.tsx";
import { Icon } from "../ui/icons.tsx";

const MAX_SHOWN = 6;
const SEARCH_AFTER_MS = 100;
/** Of more groups than this only the first are offered. */
const MAX_GROUP_PAGES = 5;

/** One's own groups; an admin's: all. */
async function readGroups({ api }: AppSession): Promise<NamedPrincipal[]> {
  const found: NamedPrincipal[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_GROUP_PAGES; pages++) {
    const page = await api.page("GET /api/v1/groups/", { query: cursor ? { cursor } : {} });
    for (const { id, name } of page.items) {
      found.push({ principal_type: "group", principal_id: id, name });
    }
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  return found;
}

async function findPeople({ api }: AppSession, query: string): Promise<NamedPrincipal[]> {
  const { users } = await api("GET /api/v1/users/search", { query: { query } });
  return users.map(({ id, name }) => ({ principal_type: "user", principal_id: id, name }));
}

export function PrincipalFace({ principal: { principal_type, principal_id, name } }: {
  principal: NamedPrincipal;
}) {
  return principal_type === "user"
    ? <Face id={principal_id} name={name} />
    : (
      <span class="group-face" aria-hidden="true">
        <Icon name="people" />
      </span>
    );
}

/** Where people and groups are found by name, as a combobox; who is picked is given on at once. */
export function PrincipalField({ session, except, onPick }: {
  session: AppSession;
  /** Who is not offered, by the name of the principal. */
  except: ReadonlySet<string>;
  onPick(principal: NamedPrincipal): void;
}) {
  const field = useRef<HTMLInputElement>(null);
  const groups = useRef<Promise<NamedPrincipal[]>>(undefined);
  const id = useId();
  const [text, setText] = useState("");
  const [found, setFound] = useState<readonly NamedPrincipal[]>([]);
  const [isLooking, setLooking] = useState(false);
  const [active, setActive] = useState(0);
  const options = found.filter((one) => !except.has(principalName(one))).slice(0, MAX_SHOWN);
  const isOpen = isLooking && options.length > 0;

  useEffect(() => {
    if (!isLooking) return;
    let isWanted = true;
    const timer = setTimeout(() => {
      groups.current ??= readGroups(session);
      Promise.all([groups.current, findPeople(session, text)]).then(([all, people]) => {
        if (!isWanted) return;
        const wanted = text.toLowerCase();
        setFound([...all.filter(({ name }) => name.toLowerCase().includes(wanted)), ...people]);
        setActive(0);
      }, () => {
        // Nobody is found without a connection; the next letter asks again.
        groups.current = undefined;
      });
    }, SEARCH_AFTER_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [session, text, isLooking]);

  function pick(principal: NamedPrincipal | undefined) {
    if (!principal) return;
    onPick(principal);
    setText("");
    setLooking(false);
    field.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (!isOpen) return;
    const step = { ArrowDown: 1, ArrowUp: options.length - 1 }[event.key];
    if (step !== undefined) setActive((active + step) % options.length);
    else if (event.key === "Escape") setLooking(false);
    else if (event.key === "Enter") pick(options[active]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class="people-field">
      <label for={`${id}-field`}>Add people and groups</label>
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
        onClick={() => setLooking(true)}
        onBlur={() => setLooking(false)}
        onKeyDown={onKeyDown}
      />
      <ul
        class="mention-list below"
        id={`${id}-list`}
        role="listbox"
        aria-label="People and groups"
        hidden={!isOpen}
      >
        {isOpen && options.map((one, at) => (
          <li
            key={principalName(one)}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(one)}
          >
            <PrincipalFace principal={one} />
            <span dir="auto">{one.name}</span>
            {one.principal_type === "group" && <small>Group</small>}
          </li>
        ))}
      </ul>
    </div>
  );
}
