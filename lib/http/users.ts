import { Hono } from "hono";
import * as v from "valibot";
import type { User, UserEvent } from "../protocol/user.ts";
import { RoleSchema } from "../protocol/schemas/user.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import { askedPage } from "./paging.ts";
import { EmailSchema, NameSchema, NewPasswordSchema, PictureSchema } from "./user_fields.ts";

/** Users of a page. */
const PAGE_SIZE = 50;
/** A picture may stand in it as text. */
const MAX_BYTES = 600_000;

const ChangeSchema = v.object({
  name: v.optional(NameSchema),
  role: v.optional(RoleSchema),
  email: v.optional(EmailSchema),
  /** Open WebUI's form sends an empty one when it is not to be changed. */
  password: v.optional(
    v.union([v.literal(""), NewPasswordSchema], "must have from 8 to 1024 characters"),
  ),
  profile_image_url: v.optional(PictureSchema),
});

export interface UserRoutesOptions {
  users: {
    page(options: { limit: number; cursor?: string; descending: boolean }): Promise<
      { users: User[]; cursor: string | undefined }
    >;
    update(userId: string, change: v.InferOutput<typeof ChangeSchema>): Promise<User>;
    /** Returns who it was. */
    delete(userId: string): Promise<User>;
  };
  /** Makes all tokens void that the user has been given. */
  tokens: { revokeAll(userId: string): Promise<void> };
  /** Tells admins how somebody is now. */
  tell(event: UserEvent): void;
}

/** `/api/v1/users` (docs/protocol.md, section 11), behind `requireUser` for admins. */
export function userRoutes({ users, tokens, tell }: UserRoutesOptions): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();

  routes.get("/", async (c) => {
    const descending = c.req.query("direction") === "desc";
    const page = await askedPage(c, (at) => users.page({ limit: PAGE_SIZE, descending, ...at }));
    return c.json({ users: page?.users ?? [], cursor: page?.cursor ?? null });
  });

  routes.post("/:id/update", async (c) => {
    const { password, ...change } = await readJson(c, ChangeSchema, { maxBytes: MAX_BYTES });
    const userId = c.req.param("id");
    const user = await users.update(userId, password ? { ...change, password } : change);
    // Who knew the old one may have signed in with it.
    if (password) await tokens.revokeAll(userId);
    tell({ type: "updated", user });
    return c.json(user);
  });

  routes.delete("/:id", async (c) => {
    const userId = c.req.param("id");
    const user = await users.delete(userId);
    tell({ type: "deleted", user });
    // Void already, as nobody's; so they stay, for Open WebUI's instances and if the id comes back.
    await tokens.revokeAll(userId);
    return c.json(true);
  });

  return routes;
}
