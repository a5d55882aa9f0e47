import { AppError } from "../common/errors.ts";
import type { AccessGrant } from "../protocol/access_grants.ts";
import { grantsBeyond, type GroupMembership, groupsIn } from "./grants.ts";

/** Who names groups. */
interface Person {
  id: string;
  role: string;
}

/**
 * Lets somebody name the groups that they are in, and an admin all. A group of others is answered as
 * one that is not there, so that nobody finds out by trying.
 *
 * @throws {AppError} `not_found`
 */
export async function requireOwnGroups(
  { id, role }: Person,
  groupIds: readonly string[],
  groups: Pick<GroupMembership, "memberOf">,
): Promise<void> {
  const asked = [...new Set(groupIds)];
  if (role === "admin" || asked.length === 0) return;
  const own = await groups.memberOf(id, asked);
  if (asked.every((groupId) => own.has(groupId))) return;
  throw new AppError("not_found", "There is no such group among yours.");
}

/** As {@linkcode requireOwnGroups}, for grants: those that are there already may stay. */
export function requireOwnGrants(
  person: Person,
  grants: readonly AccessGrant[],
  before: readonly AccessGrant[],
  groups: Pick<GroupMembership, "memberOf">,
): Promise<void> {
  return requireOwnGroups(person, groupsIn(grantsBeyond(grants, before)), groups);
}
