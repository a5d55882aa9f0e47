import { useRef } from "preact/hooks";
import type { PublicUser } from "../../protocol/user.ts";
import type { AppSession } from "../app_session.ts";
import { Icon } from "../ui/icons.tsx";
import { NameField } from "../ui/name_field.tsx";
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

/** Where one finds people by name and picks some; who was picked stands above. */
export function PeopleField({ session, label, chosen, onChange, except = [] }: PeopleFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <NameField
      label={label}
      listLabel={label}
      field={field}
      find={async (query) => {
        const { users } = await session.api("GET /api/v1/users/search", { query: { query } });
        meet(session, users);
        return users;
      }}
      keyOf={({ id }: PublicUser) => id}
      except={new Set([session.me.id, ...except, ...chosen.map(({ id }) => id)])}
      onPick={(person) => onChange([...chosen, person])}
      onBackspace={() => {
        if (chosen.length === 0) return false;
        onChange(chosen.slice(0, -1));
        return true;
      }}
      isForSeveral
      draw={({ id, name }) => (
        <>
          <Face id={id} name={name} />
          <span dir="auto">{name}</span>
        </>
      )}
    >
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
    </NameField>
  );
}
