import * as v from "valibot";
import type { Topic } from "../bus/topics.ts";
import { RoleSchema } from "../protocol/schemas/user.ts";

const id = v.pipe(v.string(), v.minLength(1));

const AccessChangeSchema = v.variant("type", [
  v.object({ type: v.literal("token_revoked"), jti: id, user_id: id }),
  v.object({ type: v.literal("user_revoked"), user_id: id }),
  v.object({ type: v.literal("role_changed"), user_id: id, role: RoleSchema }),
  v.object({ type: v.literal("user_deleted"), user_id: id }),
  v.object({ type: v.literal("room_left"), user_id: id, room: id }),
  v.object({ type: v.literal("room_joined"), user_id: id, room: id }),
]);

export type AccessChange = v.InferOutput<typeof AccessChangeSchema>;

/**
 * What ends or narrows a session, announced to all instances. After a gap: forget what was cached of
 * users, and ask again of every session.
 */
export const accessChanges: Topic<AccessChange> = {
  name: "access",
  schema: AccessChangeSchema,
};
