import * as v from "valibot";
import { IdSchema } from "./chat.ts";

/** Everyone: a grant to this user id is public. */
export const EVERYONE = "*";
/** Grants of one note or channel. */
export const MAX_GRANTS = 200;

/** Who may do what with a note or a channel: Open WebUI's own shape. */
export const AccessGrantSchema = v.object({
  principal_type: v.picklist(["user", "group"]),
  principal_id: v.union([v.literal(EVERYONE), IdSchema]),
  permission: v.picklist(["read", "write"]),
});
export type AccessGrant = v.InferOutput<typeof AccessGrantSchema>;
export type Permission = AccessGrant["permission"];

export const AccessGrantsSchema = v.pipe(
  v.array(AccessGrantSchema),
  v.maxLength(MAX_GRANTS),
  v.transform(withoutRepeats),
);

/** Somebody to whom something was granted. */
export type Principal = Pick<AccessGrant, "principal_type" | "principal_id">;

/** One text for each principal. */
export const principalName = ({ principal_type, principal_id }: Principal): string =>
  `${principal_type} ${principal_id}`;

/** One text for each grant. */
export function grantName(grant: AccessGrant): string {
  return `${grant.permission} ${principalName(grant)}`;
}

function withoutRepeats(grants: AccessGrant[]): AccessGrant[] {
  return [...new Map(grants.map((grant) => [grantName(grant), grant])).values()];
}
