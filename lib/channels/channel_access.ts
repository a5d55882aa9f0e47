import type { Permission } from "../protocol/access_grants.ts";
import { type GroupMembership, isGranted } from "../sharing/grants.ts";
import type { Channel } from "../protocol/channel.ts";
import type { Role } from "../protocol/user.ts";

/** Who asks. */
export interface Visitor {
  id: string;
  role: Role;
}

/** What decides beside the channel itself: asked of the store, or known already. */
export interface Belonging extends Pick<GroupMembership, "memberOf"> {
  /** Whether the visitor is a member of the channel. */
  isMember(): Promise<boolean>;
}

/**
 * Whether somebody may enter: a channel of the type `group` or `dm` is its members', and nobody
 * else's, not even an admin's; any other is open to those of its grants, and to admins.
 */
export async function mayEnter(
  { id, role }: Visitor,
  channel: Channel,
  permission: Permission,
  belonging: Belonging,
): Promise<boolean> {
  if (role === "pending") return false;
  if (channel.type !== null) return await belonging.isMember();
  return role === "admin" || channel.user_id === id ||
    await isGranted(channel.access_grants, id, permission, belonging);
}
