import { Hono } from "hono";
import * as v from "valibot";
import type { ChatSummary, ListedChat } from "../protocol/chat.ts";
import type { ChatListData } from "../protocol/chat_events.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import { askedPage } from "./paging.ts";

interface Page {
  chats: ChatSummary[];
  cursor: string | undefined;
}

/** What the routes need of the chats: each list holds the user's own, and no others. */
export interface ChatListRoutesOptions {
  lists: {
    page(userId: string, options: { limit: number; cursor?: string }): Promise<Page>;
    pinned(userId: string): Promise<ChatSummary[]>;
    summaries(userId: string, ids: readonly string[]): Promise<ChatSummary[]>;
    /** Without `pinned`: the other of what it is. */
    pin(userId: string, chatId: string, pinned?: boolean): Promise<ChatSummary>;
    require(userId: string, chatId: string): Promise<{ pinned?: boolean | undefined }>;
  };
  search: {
    search(
      userId: string,
      text: string,
      options: { limit: number; cursor?: string; signal: AbortSignal },
    ): Promise<{ ids: string[]; cursor: string | undefined }>;
    snippet(chatId: string, text: string): Promise<string | undefined>;
  };
  /** The chats of the user that are being answered right now. */
  running(userId: string): Promise<ReadonlySet<string>>;
  /** Something of the chat has changed that lists show. */
  listChanged(userId: string, chatId: string, reason: ChatListData["reason"]): void;
}

/** Open WebUI's own page of chats. */
const PAGE_SIZE = 60;
/** Chats whose messages are looked through at once for a piece to show. */
const SNIPPETS_AT_ONCE = 8;
const MAX_TEXT = 1_000;

const PinSchema = v.object({ pinned: v.optional(v.boolean()) });

/**
 * The lists of `/api/v1/chats` (docs/protocol.md, section 11), in Open WebUI's shape. They stand before
 * `chatRoutes`, for which `search` would be a chat's id.
 */
export function chatListRoutes(
  { lists, search, running, listChanged }: ChatListRoutesOptions,
): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();

  const listed = async (userId: string, chats: readonly (ChatSummary & Snippet)[]) => {
    const active = await running(userId);
    return chats.map((chat): ListedChat => ({ ...chat, active: active.has(chat.id) }));
  };

  routes.get("/", async (c) => {
    const userId = c.get("user").id;
    const found = await askedPage(c, (at) => lists.page(userId, { limit: PAGE_SIZE, ...at }));
    return c.json(await listed(userId, found?.chats ?? []));
  });

  routes.get("/search", async (c) => {
    const userId = c.get("user").id;
    const text = (c.req.query("text") ?? "").slice(0, MAX_TEXT);
    const { signal } = c.req.raw;
    const found = await askedPage(
      c,
      (at) => search.search(userId, text, { limit: PAGE_SIZE, signal, ...at }),
    );
    if (!found) return c.json([]);
    const chats = await lists.summaries(userId, found.ids);
    const withSnippets: (ChatSummary & Snippet)[] = [];
    for (let at = 0; at < chats.length && !signal.aborted; at += SNIPPETS_AT_ONCE) {
      withSnippets.push(
        ...await Promise.all(
          chats.slice(at, at + SNIPPETS_AT_ONCE).map(async (chat) => {
            const snippet = await search.snippet(chat.id, text);
            return { ...chat, ...(snippet !== undefined && { snippet }) };
          }),
        ),
      );
    }
    return c.json(await listed(userId, withSnippets));
  });

  routes.get("/pinned", async (c) => {
    const userId = c.get("user").id;
    return c.json(await listed(userId, await lists.pinned(userId)));
  });

  routes.get("/:id/pinned", async (c) => {
    const { pinned } = await lists.require(c.get("user").id, c.req.param("id"));
    return c.json(pinned === true);
  });

  // Open WebUI's client sends no body, and means the other of what it is.
  routes.post("/:id/pin", async (c) => {
    const { id: userId } = c.get("user");
    const hasBody = (c.req.header("content-length") ?? "0") !== "0";
    const { pinned } = hasBody ? await readJson(c, PinSchema) : {};
    const chat = await lists.pin(userId, c.req.param("id"), pinned);
    listChanged(userId, chat.id, "marked");
    const [answer] = await listed(userId, [chat]);
    return c.json(answer);
  });

  return routes;
}

type Snippet = Pick<ListedChat, "snippet">;
