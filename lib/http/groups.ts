import { Hono } from "hono";
import type { GroupStore } from "../groups/group_store.ts";
import { GroupBodySchema, GroupPatchSchema, UserIdsSchema } from "../protocol/schemas/group.ts";
import type { PublicUser } from "../protocol/user.ts";
import { requireAdmin } from "./authentication.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import { askedPage } from "./paging.ts";

export interface GroupRoutesOptions {
  groups: GroupStore;
  publicUser(userId: string): Promise<PublicUser | undefined>;
  /** These users have joined a group, or left it. */
  regrouped(userIds: readonly string[]): Promise<void>;
  /** Whoever is in the group may have changed: what is shared with it has other readers. */
  readersChanged(groupId: string): Promise<void>;
}

const PAGE_SIZE = 60;

/** `/api/v1/groups`, in Open WebUI's shape: a user sees their own groups, an admin all. */
export function groupRoutes({ groups, publicUser, regrouped, readersChanged }: GroupRoutesOptions) {
  const routes = new Hono<HttpEnv>();
  const membersChanged = async (groupId: string, userIds: readonly string[]) => {
    await regrouped(userIds);
    await readersChanged(groupId);
  };
  const known = async (ids: readonly string[]) =>
    (await Promise.all(ids.map(publicUser))).filter((user) => user !== undefined);

  routes.get("/", async (c) => {
    const { id, role } = c.get("user");
    const whose = role === "admin" ? {} : { userId: id };
    const page = await askedPage(c, (at) => groups.page({ limit: PAGE_SIZE, ...whose, ...at }));
    return c.json(page?.groups ?? []);
  });

  routes.post("/create", requireAdmin, async (c) => {
    const body = await readJson(c, GroupBodySchema);
    return c.json(await groups.create(c.get("user").id, body));
  });

  routes.get("/id/:id", requireAdmin, async (c) => c.json(await groups.get(c.req.param("id"))));

  routes.post("/id/:id/users", requireAdmin, async (c) => {
    const id = c.req.param("id");
    await groups.get(id);
    const page = await askedPage(c, (at) => groups.members(id, { limit: PAGE_SIZE, ...at }));
    return c.json(await known(page?.userIds ?? []));
  });

  routes.post("/id/:id/update", requireAdmin, async (c) => {
    const patch = await readJson(c, GroupPatchSchema);
    return c.json(await groups.update(c.req.param("id"), patch));
  });

  routes.post("/id/:id/users/add", requireAdmin, async (c) => {
    const { user_ids } = await readJson(c, UserIdsSchema);
    const ids = (await known([...new Set(user_ids)])).map(({ id }) => id);
    const group = await groups.addMembers(c.req.param("id"), ids);
    await membersChanged(group.id, ids);
    return c.json(group);
  });

  routes.post("/id/:id/users/remove", requireAdmin, async (c) => {
    const { user_ids } = await readJson(c, UserIdsSchema);
    const group = await groups.removeMembers(c.req.param("id"), user_ids);
    await membersChanged(group.id, user_ids);
    return c.json(group);
  });

  routes.delete("/id/:id/delete", requireAdmin, async (c) => {
    const id = c.req.param("id");
    for await (const userIds of groups.delete(id)) await regrouped(userIds);
    await readersChanged(id);
    return c.json(true);
  });

  return routes;
}
