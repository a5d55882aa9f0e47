import { type Context, Hono } from "hono";
import type { ChannelService } from "../channels/channel_service.ts";
import type { Conversation } from "../channels/conversation.ts";
import {
  AddMembersSchema,
  ChannelBodySchema,
  ChannelPatchSchema,
} from "../protocol/schemas/channel.ts";
import { UserIdsSchema } from "../protocol/schemas/group.ts";
import type { PublicUser } from "../protocol/user.ts";
import { channelMessageRoutes, type StopAnswer } from "./channel_messages.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import { askedPage } from "./paging.ts";

export interface ChannelRoutesOptions {
  channels: ChannelService;
  conversation: Conversation;
  stopAnswer: StopAnswer;
}

const PAGE_SIZE = 60;

/** Who asks, as the channels know them. */
export function speakerOf(c: Context<HttpEnv>): PublicUser {
  const { id, name, role } = c.get("user");
  return { id, name, role };
}

/** `/api/v1/channels` (docs/protocol.md, section 11), in Open WebUI's shape. All routes want a user. */
export function channelRoutes(
  { channels, conversation, stopAnswer }: ChannelRoutesOptions,
): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();

  const list = async (c: Context<HttpEnv>) => {
    const user = speakerOf(c);
    const page = await askedPage(c, (at) => channels.page(user, { limit: PAGE_SIZE, ...at }));
    return c.json(page?.channels ?? []);
  };
  routes.get("/", list);
  routes.get("/list", list);

  routes.post("/create", async (c) => {
    const body = await readJson(c, ChannelBodySchema);
    return c.json(await channels.create(speakerOf(c), body));
  });

  // The direct channel with somebody, made when it is not there yet.
  routes.get("/users/:userId", async (c) => {
    const body = { type: "dm" as const, name: "", user_ids: [c.req.param("userId")] };
    return c.json(await channels.create(speakerOf(c), body));
  });

  routes.get("/:id", async (c) => {
    return c.json(await channels.details(speakerOf(c), c.req.param("id")));
  });

  const update = async (c: Context<HttpEnv, "/:id">) => {
    const patch = await readJson(c, ChannelPatchSchema);
    return c.json(await channels.update(speakerOf(c), c.req.param("id"), patch));
  };
  routes.post("/:id", update);
  routes.post("/:id/update", update);
  routes.post("/:id/access/update", update);

  routes.delete("/:id/delete", async (c) => {
    await channels.delete(speakerOf(c), c.req.param("id"));
    return c.json(true);
  });

  routes.get("/:id/members", async (c) => {
    const user = speakerOf(c);
    const id = c.req.param("id");
    const page = await askedPage(
      c,
      (at) => channels.members(user, id, { limit: PAGE_SIZE, ...at }),
    );
    const { user_count } = await channels.details(user, id);
    return c.json({
      users: (page?.members ?? []).map(({ user, ...member }) => ({ ...user, ...member })),
      total: user_count ?? 0,
    });
  });

  routes.post("/:id/update/members/add", async (c) => {
    const asked = await readJson(c, AddMembersSchema);
    return c.json(await channels.addMembers(speakerOf(c), c.req.param("id"), asked));
  });

  routes.post("/:id/update/members/remove", async (c) => {
    const { user_ids } = await readJson(c, UserIdsSchema);
    return c.json(await channels.removeMembers(speakerOf(c), c.req.param("id"), user_ids));
  });

  routes.route("/:id/messages", channelMessageRoutes({ conversation, stopAnswer }, speakerOf));
  return routes;
}
