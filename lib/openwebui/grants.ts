/** Pieces of the statements that ask who may: grants to a user, to everybody, and to groups. */
import type { Schema } from "./schema.ts";

/**
 * A table `membership(user_id, group_id)` for the users of the subquery, groups above their groups
 * included. Goes behind `WITH RECURSIVE`.
 */
export function memberships({ hasNestedGroups }: Schema, users: string): string {
  const direct = `SELECT CAST(user_id AS TEXT), CAST(group_id AS TEXT) FROM group_member
    WHERE user_id IN ${users}`;
  const above = `UNION SELECT m.user_id, CAST(p.parent_group_id AS TEXT)
    FROM "group" p JOIN membership m ON p.id = m.group_id WHERE p.parent_group_id IS NOT NULL`;
  return `membership(user_id, group_id) AS (${direct}${hasNestedGroups ? ` ${above}` : ""})`;
}

/** Whether there is such a grant; `user` and `resource` are columns or parameters. */
export function isGranted(
  { type, resource, permission, user }: {
    type: "channel" | "note" | "shared_chat" | "folder";
    resource: string;
    permission: "read" | "write";
    user: string;
  },
): string {
  return `EXISTS (SELECT 1 FROM access_grant ag
    WHERE ag.resource_type = '${type}' AND ag.resource_id = ${resource}
      AND ag.permission = '${permission}'
      AND ((ag.principal_type = 'user' AND ag.principal_id IN ('*', ${user}))
        OR (ag.principal_type = 'group' AND ag.principal_id IN
          (SELECT group_id FROM membership WHERE user_id = ${user}))))`;
}
