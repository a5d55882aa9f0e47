import {
  type AccessGrant,
  EVERYONE,
  grantName,
  type Permission,
  type Principal,
  principalName,
} from "../protocol/access_grants.ts";

/** Which groups somebody is in. */
export interface GroupMembership {
  /** Those of the groups that the user is in right now. */
  memberOf(userId: string, groupIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** All groups of the user, as far as the index knows: for lists, not for checks. */
  groupsOf(userId: string): Promise<string[]>;
}

/** Whether the grants let the user do it; who may write may read. */
export async function isGranted(
  grants: readonly AccessGrant[],
  userId: string,
  permission: Permission,
  groups: Pick<GroupMembership, "memberOf">,
): Promise<boolean> {
  const fitting = grants.filter((grant) =>
    permission === "read" || grant.permission === permission
  );
  const isNamed = fitting.some(({ principal_type, principal_id }) =>
    principal_type === "user" && (principal_id === userId || principal_id === EVERYONE)
  );
  if (isNamed) return true;
  const groupIds = groupsIn(fitting);
  return groupIds.length > 0 && (await groups.memberOf(userId, groupIds)).size > 0;
}

/** Membership that has been asked for already. */
export function membershipIn(
  groups: ReadonlySet<string>,
): Pick<GroupMembership, "memberOf"> {
  return {
    memberOf: (_, ids) => Promise.resolve(new Set(ids.filter((id) => groups.has(id)))),
  };
}

/** Those of the grants that were not there before. */
export function grantsBeyond(
  grants: readonly AccessGrant[],
  before: readonly AccessGrant[],
): AccessGrant[] {
  const names = new Set(before.map(grantName));
  return grants.filter((grant) => !names.has(grantName(grant)));
}

export function groupsIn(grants: readonly Principal[]): string[] {
  const ids = grants.filter((grant) => grant.principal_type === "group");
  return [...new Set(ids.map(({ principal_id }) => principal_id))];
}

/** Each principal once. */
export function principalsOf(grants: readonly Principal[]): Principal[] {
  const each = grants.map(({ principal_type, principal_id }) => ({ principal_type, principal_id }));
  return [...new Map(each.map((principal) => [principalName(principal), principal])).values()];
}

export function sameGrants(a: readonly AccessGrant[], b: readonly AccessGrant[]): boolean {
  const names = new Set(b.map(grantName));
  return a.length === b.length && a.every((grant) => names.has(grantName(grant)));
}
