import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import {
  type AccessGrant,
  EVERYONE,
  type NamedPrincipal,
  type Permission,
  type Principal,
  principalName,
} from "../../protocol/access_grants.ts";
import type { OpenNote } from "../../protocol/http_routes.ts";
import type { AppSession } from "../app_session.ts";
import type { DialogProps } from "../chats/lazy_dialog.tsx";
import { Icon } from "../ui/icons.tsx";
import { Modal } from "../ui/modal.tsx";
import { ErrorState, Loading } from "../ui/states.tsx";
import { PrincipalFace, PrincipalField } from "./principal_field.tsx";

export interface ShareDialogProps {
  session: AppSession;
  note: OpenNote;
  /** The note has other grants now. */
  onShared(grants: AccessGrant[]): void;
}

const everyone: Principal = { principal_type: "user", principal_id: EVERYONE };

/** The grants that let a principal do it; who may write may read. */
function grantsFor(
  { principal_type, principal_id }: Principal,
  permission: Permission,
): AccessGrant[] {
  const read = { principal_type, principal_id, permission: "read" as const };
  return permission === "read" ? [read] : [read, { ...read, permission: "write" }];
}

/** What each principal may do, in the order of the grants. */
function permissionsIn(grants: readonly AccessGrant[]): Map<string, Permission> {
  const found = new Map<string, Permission>();
  for (const grant of grants) {
    const name = principalName(grant);
    if (grant.permission === "write" || !found.has(name)) found.set(name, grant.permission);
  }
  return found;
}

/** Who may read and write a note beside its owner: each change counts at once. */
export function ShareDialog({ session, note, onShared, onClose }: ShareDialogProps & DialogProps) {
  const [names, setNames] = useState<ReadonlyMap<string, NamedPrincipal>>();
  const [fault, setFault] = useState<string>();
  const [said, setSaid] = useState("");
  const [grants, setGrants] = useState<readonly AccessGrant[]>(note.access_grants);

  const load = () => {
    setFault(undefined);
    session.api("GET /api/v1/notes/{id}/access", { params: { id: note.id } }).then(
      ({ principals }) => setNames(new Map(principals.map((one) => [principalName(one), one]))),
      (thrown) => setFault(messageOf(thrown)),
    );
  };
  useEffect(load, [session, note.id]);

  /** Gives the principal this permission, or none. */
  async function grant(principal: NamedPrincipal, permission: Permission | undefined) {
    const others = grants.filter((one) => principalName(one) !== principalName(principal));
    const changed = permission ? [...others, ...grantsFor(principal, permission)] : others;
    setFault(undefined);
    setGrants(changed);
    setNames((known) => new Map(known).set(principalName(principal), principal));
    try {
      const { access_grants } = await session.api("POST /api/v1/notes/{id}/access/update", {
        params: { id: note.id },
        body: { access_grants: changed },
      });
      onShared(access_grants);
      setSaid(
        permission
          ? `${principal.name} can ${permission} now.`
          : `${principal.name} has no access any more.`,
      );
    } catch (thrown) {
      setGrants(grants);
      setFault(messageOf(thrown));
    }
  }

  const permissions = permissionsIn(grants);
  const shared = [...permissions].filter(([name]) => name !== principalName(everyone))
    .map(([name, permission]) => ({ permission, principal: names?.get(name) }))
    .flatMap(({ permission, principal }) => principal ? [{ permission, principal }] : []);
  const owner = names?.get(principalName({ ...everyone, principal_id: note.user_id }));
  const taken = new Set([...permissions.keys(), `user ${note.user_id}`, `user ${session.me.id}`]);

  return (
    <Modal label="Share the note" class="share" onClose={onClose}>
      <div class="about-head">
        <h2>Share “{note.title || "Untitled"}”</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {names === undefined && fault !== undefined
        ? <ErrorState text={fault} onRetry={load} />
        : names === undefined
        ? <Loading what="who has access" />
        : (
          <>
            <PrincipalField
              session={session}
              except={taken}
              onPick={(principal) => void grant(principal, "write")}
            />
            <ul class="shares" aria-label="Who has access">
              {owner && (
                <li>
                  <PrincipalFace principal={owner} />
                  <span class="name" dir="auto">{owner.name}</span>
                  <span class="hint">Owner</span>
                </li>
              )}
              {shared.map(({ principal, permission }) => (
                <Share
                  key={principalName(principal)}
                  principal={principal}
                  permission={permission}
                  onChange={(next) => void grant(principal, next)}
                />
              ))}
              <li>
                <span class="group-face" aria-hidden="true">
                  <Icon name="channel" />
                </span>
                <span class="name">Everybody on this server</span>
                <Permissions
                  label="Everybody on this server"
                  value={permissions.get(principalName(everyone))}
                  none="No access"
                  onChange={(next) => void grant({ ...everyone, name: "Everybody" }, next)}
                />
              </li>
            </ul>
            {fault && <p class="error" role="alert">{fault}</p>}
            <p class="sr-only" role="status">{said}</p>
          </>
        )}
    </Modal>
  );
}

function Share({ principal, permission, onChange }: {
  principal: NamedPrincipal;
  permission: Permission;
  onChange(permission: Permission | undefined): void;
}) {
  const { name, principal_type } = principal;
  return (
    <li>
      <PrincipalFace principal={principal} />
      <span class="name" dir="auto">
        {name}
        {principal_type === "group" && <small>Group</small>}
      </span>
      <Permissions label={name} value={permission} onChange={onChange} />
      <button
        type="button"
        class="icon-button"
        aria-label={`Take access from ${name}`}
        title="Take access away"
        onClick={() => onChange(undefined)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

function Permissions({ label, value, none, onChange }: {
  label: string;
  value: Permission | undefined;
  /** What it is called when there is none, where that can be chosen. */
  none?: string;
  onChange(permission: Permission | undefined): void;
}) {
  return (
    <select
      aria-label={`What ${label} can do`}
      value={value ?? ""}
      onChange={(event) => onChange((event.currentTarget.value || undefined) as Permission)}
    >
      {none !== undefined && <option value="">{none}</option>}
      <option value="read">Can read</option>
      <option value="write">Can write</option>
    </select>
  );
}
