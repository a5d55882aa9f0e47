import { type Context, Hono } from "hono";
import type { Conversation } from "../channels/conversation.ts";
import { AppError } from "../common/errors.ts";
import { MessageBodySchema, PinSchema, ReactionSchema } from "../protocol/schemas/channel.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import { askedPage, cursorOf, wholeNumber } from "./paging.ts";

const PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 100;
const MAX_SKIP = 10_000;
/** A message is read at once: it may not be a book. */
const MAX_BYTES = 1024 * 1024;

/** Stops what a model is writing; says whether it was. */
export type StopAnswer = (
  user: PublicUser,
  channelId: string,
  messageId: string,
) => Promise<boolean>;

/** `/api/v1/channels/{id}/messages`: what is said in a channel. */
export function channelMessageRoutes(
  { conversation, stopAnswer }: { conversation: Conversation; stopAnswer: StopAnswer },
  speakerOf: (c: Context<HttpEnv>) => PublicUser,
): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const channelOf = (c: Context<HttpEnv>) => param(c, "id");
  const messageOf = (c: Context<HttpEnv>) => param(c, "messageId");

  routes.get("/", async (c) => {
    const page = await conversation.page(speakerOf(c), channelOf(c), pagingOf(c));
    return answer(c, page);
  });

  routes.get("/pinned", async (c) => {
    const page = await askedPage(
      c,
      (at) => conversation.pinned(speakerOf(c), channelOf(c), { limit: PAGE_SIZE, ...at }),
    );
    return c.json(page?.messages ?? []);
  });

  routes.post("/post", async (c) => {
    const body = await readJson(c, MessageBodySchema, { maxBytes: MAX_BYTES });
    return c.json(await conversation.post(speakerOf(c), channelOf(c), body));
  });

  routes.post("/read", async (c) => {
    await conversation.markRead(speakerOf(c), channelOf(c));
    return c.json(true);
  });

  routes.get("/:messageId", async (c) => {
    return c.json(await conversation.get(speakerOf(c), channelOf(c), messageOf(c)));
  });

  routes.get("/:messageId/data", async (c) => {
    const { data } = await conversation.get(speakerOf(c), channelOf(c), messageOf(c));
    return c.json(data);
  });

  routes.get("/:messageId/thread", async (c) => {
    const page = await conversation.thread(
      speakerOf(c),
      channelOf(c),
      messageOf(c),
      pagingOf(c),
    );
    return answer(c, page);
  });

  routes.post("/:messageId/update", async (c) => {
    const change = await readJson(c, MessageBodySchema, { maxBytes: MAX_BYTES });
    return c.json(await conversation.edit(speakerOf(c), channelOf(c), messageOf(c), change));
  });

  routes.post("/:messageId/pin", async (c) => {
    const { is_pinned } = await readJson(c, PinSchema);
    return c.json(await conversation.pin(speakerOf(c), channelOf(c), messageOf(c), is_pinned));
  });

  routes.post("/:messageId/stop", async (c) => {
    return c.json(await stopAnswer(speakerOf(c), channelOf(c), messageOf(c)));
  });

  for (const [action, isAdded] of [["add", true], ["remove", false]] as const) {
    routes.post(`/:messageId/reactions/${action}`, async (c) => {
      const { name } = await readJson(c, ReactionSchema);
      await conversation.react(speakerOf(c), channelOf(c), messageOf(c), { name, isAdded });
      return c.json(true);
    });
  }

  routes.delete("/:messageId/delete", async (c) => {
    await conversation.delete(speakerOf(c), channelOf(c), messageOf(c));
    return c.json(true);
  });

  return routes;
}

function answer(
  c: Context,
  { messages, cursor }: { messages: unknown[]; cursor: string | undefined },
): Response {
  if (cursor !== undefined) c.header("X-Next-Cursor", cursor);
  return c.json(messages);
}

function pagingOf(c: Context) {
  return {
    limit: wholeNumber(c, "limit", { fallback: PAGE_SIZE, min: 1, max: MAX_PAGE_SIZE }),
    skip: wholeNumber(c, "skip", { fallback: 0, min: 0, max: MAX_SKIP }),
    ...cursorOf(c),
  };
}

/** A part of the path, of the routes above this one too. */
function param(c: Context, name: string): string {
  const value = c.req.param(name);
  if (value === undefined) throw new AppError("not_found", "There is nothing here.");
  return value;
}
