import * as v from "valibot";
import { type AccessGrant, EVERYONE, grantName, MAX_GRANTS } from "../access_grants.ts";
import { IdSchema } from "./chat.ts";

/** Who may do what with a note or a channel: Open WebUI's own shape. */
export const AccessGrantSchema = v.object({
  principal_type: v.picklist(["user", "group"]),
  principal_id: v.union([v.literal(EVERYONE), IdSchema]),
  permission: v.picklist(["read", "write"]),
});

export const AccessGrantsSchema = v.pipe(
  v.array(AccessGrantSchema),
  v.maxLength(MAX_GRANTS),
  v.transform(withoutRepeats),
);

function withoutRepeats(grants: AccessGrant[]): AccessGrant[] {
  return [...new Map(grants.map((grant) => [grantName(grant), grant])).values()];
}
