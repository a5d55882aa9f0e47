import { Hono } from "hono";
import * as v from "valibot";
import { RoleSchema, type User } from "../protocol/user.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";

/** Users of a page. */
const PAGE_SIZE = 50;

const ChangeSchema = v.object({
  name: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(100))),
  role: v.optional(RoleSchema),
  profile_image_url: v.optional(v.pipe(v.string(), v.maxLength(500_000))),
});

export interface UserRoutesOptions {
  users: {
    page(options: { limit: number; cursor?: string }): Promise<
      { users: User[]; cursor: string | undefined }
    >;
    update(userId: string, change: v.InferOutput<typeof ChangeSchema>): Promise<User>;
    delete(userId: string): Promise<void>;
  };
}

/** `/api/v1/users` (protocol, section 11), behind `requireUser` for admins. */
export function userRoutes({ users }: UserRoutesOptions): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();

  routes.get("/", async (c) => {
    const cursor = c.req.query("cursor");
    const page = await users.page({ limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) });
    return c.json({ users: page.users, cursor: page.cursor ?? null });
  });

  routes.post("/:id/update", async (c) => {
    const change = await readJson(c, ChangeSchema);
    return c.json(await users.update(c.req.param("id"), change));
  });

  routes.delete("/:id", async (c) => {
    await users.delete(c.req.param("id"));
    return c.json(true);
  });

  return routes;
}
