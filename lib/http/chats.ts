import { Hono } from "hono";
import * as v from "valibot";
import type { Chat, ChatSummary } from "../protocol/chat.ts";
import type { ChatBody } from "../protocol/chat.ts";
import type { EmitterData } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import { readChat, sendChat } from "./chat_in_turns.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import { askedPage } from "./paging.ts";

/** What the routes need of the chats. Each method answers `not_found` for a chat of somebody else. */
export interface ChatRoutesOptions {
  chats: {
    create(userId: string, body: ChatBody): Promise<Chat>;
    get(userId: string, chatId: string): Promise<Chat>;
    update(userId: string, chatId: string, body: ChatBody): Promise<Chat>;
    delete(userId: string, chatId: string): Promise<void>;
    page(
      userId: string,
      options: { limit?: number; cursor?: string },
    ): Promise<{ chats: ChatSummary[]; cursor: string | undefined }>;
    summary(userId: string, chatId: string): Promise<unknown>;
  };
  /** The event emitter, from outside: sends to the user's sessions and stores. */
  emit(
    target: { userId: string; chatId: string; messageId: string },
    event: EmitterData,
  ): Promise<void>;
  /** The same for a message of a channel, which says itself who may. */
  emitInChannel(
    user: PublicUser,
    target: { channelId: string; messageId: string },
    event: EmitterData,
  ): Promise<void>;
  /** Ends the answers that are being written in the chat. */
  stopAnswers(userId: string, chatId: string): Promise<unknown>;
  /** Something of the chat has changed that lists show. */
  listChanged(userId: string, chatId: string): void;
}

/** Open WebUI's own page of chats. */
const PAGE_SIZE = 60;

/** How a chat id begins that names a channel. */
const CHANNEL = "channel:";

const EventSchema = v.object({
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  data: v.optional(v.unknown()),
});

/** `/api/v1/chats` (docs/protocol.md, section 11). All routes want a user. */
export function chatRoutes(
  { chats, emit, emitInChannel, stopAnswers, listChanged }: ChatRoutesOptions,
): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();

  routes.post("/new", async (c) => {
    const created = await chats.create(c.get("user").id, await readChat(c));
    listChanged(created.user_id, created.id);
    return await sendChat(c, created);
  });

  routes.get("/", async (c) => {
    const userId = c.get("user").id;
    const found = await askedPage(c, (at) => chats.page(userId, { limit: PAGE_SIZE, ...at }));
    return c.json(found?.chats ?? []);
  });

  routes.get("/:id", async (c) => {
    const chat = await chats.get(c.get("user").id, c.req.param("id"));
    return await sendChat(c, chat);
  });

  routes.post("/:id", async (c) => {
    const chat = await readChat(c);
    const updated = await chats.update(c.get("user").id, c.req.param("id"), chat);
    listChanged(updated.user_id, updated.id);
    return await sendChat(c, updated);
  });

  routes.delete("/:id", async (c) => {
    const { id: userId } = c.get("user");
    const chatId = c.req.param("id");
    await chats.delete(userId, chatId);
    listChanged(userId, chatId);
    await stopAnswers(userId, chatId);
    return c.json(true);
  });

  routes.post("/:id/messages/:messageId/event", async (c) => {
    const event = await readJson(c, EventSchema);
    const { id: userId, name, role } = c.get("user");
    const { id: chatId, messageId } = c.req.param();
    if (chatId.startsWith(CHANNEL)) {
      const target = { channelId: chatId.slice(CHANNEL.length), messageId };
      await emitInChannel({ id: userId, name, role }, target, event);
      return c.json(true);
    }
    await chats.summary(userId, chatId);
    await emit({ userId, chatId, messageId }, event);
    return c.json(true);
  });

  return routes;
}
