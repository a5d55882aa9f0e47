/** Everyone: a grant to this user id is public. */
export const EVERYONE = "*";
/** Grants of one note or channel. */
export const MAX_GRANTS = 200;

/** Who may do what with a note or a channel: Open WebUI's own shape. */
export interface AccessGrant {
  /** Whether a person or a group is meant. */
  principal_type: "user" | "group";
  /** {@linkcode EVERYONE}, or an id. */
  principal_id: string;
  /** What is allowed; who may write may read. */
  permission: "read" | "write";
}
export type Permission = AccessGrant["permission"];

/** Somebody to whom something was granted. */
export type Principal = Pick<AccessGrant, "principal_type" | "principal_id">;

/** Somebody, or a group, that something is shared with. */
export interface NamedPrincipal extends Principal {
  /** The name that others see. */
  name: string;
}

/** One text for each principal. */
export const principalName = ({ principal_type, principal_id }: Principal): string =>
  `${principal_type} ${principal_id}`;

/** One text for each grant. */
export function grantName(grant: AccessGrant): string {
  return `${grant.permission} ${principalName(grant)}`;
}
