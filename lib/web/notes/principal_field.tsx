import { useRef } from "preact/hooks";
import { type NamedPrincipal, principalName } from "../../protocol/access_grants.ts";
import type { AppSession } from "../app_session.ts";
import { Face } from "../channels/face.tsx";
import { Icon } from "../ui/icons.tsx";
import { NameField } from "../ui/name_field.tsx";

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

/** Where people and groups are found by name; who is picked is given on at once. */
export function PrincipalField({ session, except, onPick }: {
  session: AppSession;
  /** Who is not offered, by the name of the principal. */
  except: ReadonlySet<string>;
  onPick(principal: NamedPrincipal): void;
}) {
  const field = useRef<HTMLInputElement>(null);
  const groups = useRef<Promise<NamedPrincipal[]>>(undefined);

  async function find(text: string): Promise<NamedPrincipal[]> {
    try {
      groups.current ??= readGroups(session);
      const [all, people] = await Promise.all([groups.current, findPeople(session, text)]);
      const wanted = text.toLowerCase();
      return [...all.filter(({ name }) => name.toLowerCase().includes(wanted)), ...people];
    } catch (thrown) {
      groups.current = undefined;
      throw thrown;
    }
  }

  return (
    <NameField<NamedPrincipal>
      label="Add people and groups"
      listLabel="People and groups"
      field={field}
      find={find}
      keyOf={principalName}
      except={except}
      onPick={onPick}
      draw={(one) => (
        <>
          <PrincipalFace principal={one} />
          <span dir="auto">{one.name}</span>
          {one.principal_type === "group" && <small>Group</small>}
        </>
      )}
    />
  );
}
