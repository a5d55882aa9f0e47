import { type Context, Hono } from "hono";
import * as v from "valibot";
import { FairQueue } from "../common/fair_queue.ts";
import type { Chat, ChatBody } from "../protocol/chat.ts";
import type { ChatListData } from "../protocol/chat_events.ts";
import type { EmitterData } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import { readChat } from "./chat_in_turns.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson, sendJson } from "./json_body.ts";
import { wholeNumber } from "./paging.ts";

/** What the routes need of the chats. Each method answers `not_found` for a chat of somebody else. */
export interface ChatRoutesOptions {
  chats: {
    create(userId: string, body: ChatBody): Promise<Chat>;
    get(userId: string, chatId: string): Promise<Chat>;
    update(userId: string, chatId: string, body: ChatBody): Promise<Chat>;
    delete(userId: string, chatId: string): Promise<void>;
    summary(userId: string, chatId: string): Promise<unknown>;
    readonly trash: {
      put(userId: string, chatId: string, keepSeconds: number): Promise<void>;
      restore(userId: string, chatId: string): Promise<void>;
    };
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
  listChanged(userId: string, chatId: string, reason: ChatListData["reason"]): void;
  /** The chat has got this title. */
  titleChanged(userId: string, chatId: string, title: string): void;
}

/** How long a chat can be brought back at the most. */
const MAX_UNDO_SECONDS = 86_400;

/**
 * Chats that are put together at once: one may take 16 MB, several times over until it is an answer.
 * Whoever asks for many waits for themselves.
 */
const CHATS_AT_ONCE = 4;
const MAX_WAITING = 1_000;

/** How a chat id begins that names a channel. */
const CHANNEL = "channel:";

const EventSchema = v.object({
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  data: v.optional(v.unknown()),
});

/** `/api/v1/chats` (docs/protocol.md, section 11). All routes want a user. */
export function chatRoutes(
  { chats, emit, emitInChannel, stopAnswers, listChanged, titleChanged }: ChatRoutesOptions,
): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const wholeChats = new FairQueue({
    maxRunning: CHATS_AT_ONCE,
    maxWaiting: MAX_WAITING,
    refusal: "Too many chats are being read: try again.",
  });

  /** Answers with a whole chat, in its turn. It is not read for one who has asked and gone. */
  async function answerWith(c: Context<HttpEnv>, chat: (userId: string) => Promise<Chat>) {
    const { id: lane } = c.get("user");
    using _place = await wholeChats.enter({ lane });
    const isGone = c.req.method === "GET" && c.req.raw.signal.aborted;
    if (isGone) return c.body(null, 204);
    return await sendJson(c, await chat(lane));
  }

  /** The same after a change of it, which is told. */
  const answerChanged = (
    c: Context<HttpEnv>,
    reason: ChatListData["reason"],
    chat: (userId: string) => Promise<Chat>,
  ) =>
    answerWith(c, async (userId) => {
      const changed = await chat(userId);
      listChanged(userId, changed.id, reason);
      return changed;
    });

  routes.post("/new", async (c) => {
    const chat = await readChat(c);
    return await answerChanged(c, "said", (userId) => chats.create(userId, chat));
  });

  routes.get("/:id", (c) => answerWith(c, (userId) => chats.get(userId, c.req.param("id"))));

  routes.post("/:id", async (c) => {
    const chat = await readChat(c);
    const { title } = chat;
    // What has a title and nothing else is a new name.
    const isSaid = Object.keys(chat).some((field) => field !== "title");
    return await answerChanged(c, isSaid ? "said" : "marked", async (userId) => {
      const changed = await chats.update(userId, c.req.param("id"), chat);
      if (title !== undefined) titleChanged(userId, changed.id, title);
      return changed;
    });
  });

  routes.delete("/:id", async (c) => {
    const { id: userId } = c.get("user");
    const chatId = c.req.param("id");
    const undo = wholeNumber(c, "undo", { fallback: 0, min: 0, max: MAX_UNDO_SECONDS });
    if (undo > 0) await chats.trash.put(userId, chatId, undo);
    else await chats.delete(userId, chatId);
    listChanged(userId, chatId, "deleted");
    await stopAnswers(userId, chatId);
    return c.json(true);
  });

  routes.post("/:id/restore", async (c) => {
    const { id: userId } = c.get("user");
    const chatId = c.req.param("id");
    await chats.trash.restore(userId, chatId);
    listChanged(userId, chatId, "said");
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
